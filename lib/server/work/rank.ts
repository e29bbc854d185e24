/** Labels by how well they fit pictures: lists of a request, and tables. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Features, probabilityOf, type RankedLabel } from '../../index';
import { badRequest } from '../answers/refusal';
import type { TableStore } from '../tables/table-store';
import type { Caller } from './caller';
import type { Embedded, Embedding } from './embed';
import type { Stations } from './station';

export interface RankWish {
  clip: string;
  topCount: number;
  scores: 'cosine' | 'probability';
  reverse: boolean;
  /** Leaves out what scores less. */
  threshold?: number | undefined;
}

/** Pictures × labels of one request. */
const MOST_SCORES = 1_000_000;

export class Ranking {
  constructor(
    private readonly stations: Stations,
    private readonly embedding: Embedding,
    private readonly tables: TableStore,
  ) {}

  /** A list a picture. `template`: what is encoded in a label's place, with the label for each {}. */
  async labels(
    caller: Caller,
    pictures: Embedded,
    labels: readonly string[],
    template: string | undefined,
    wish: RankWish,
  ): Promise<RankedLabel[][]> {
    if (pictures.rows.length * labels.length > MOST_SCORES) {
      throw badRequest(
        `${pictures.rows.length} pictures × ${labels.length} labels are more than ${MOST_SCORES}.`,
        'Send fewer pictures at once.',
      );
    }
    const texts = template === undefined ? labels : labels.map((label) => template.replaceAll('{}', () => label));
    const encoded = await this.embedding.textRows(caller, texts, wish.clip);
    const { similarities, logits } = await this.embedding.similarities(caller, pictures, encoded, wish.clip);
    const ranked: RankedLabel[][] = [];
    for (const at of pictures.rows.keys()) {
      const row = similarities.subarray(at * labels.length, (at + 1) * labels.length);
      ranked.push(wanted(rankRow(row, labels, logits, wish), wish));
      if (labels.length > 1000) await nextTurn();
    }
    return ranked;
  }

  /** Against a table of the server; its embeddings are made where they are not there yet. */
  async table(caller: Caller, pictures: Embedded, name: string, wish: RankWish): Promise<RankedLabel[][]> {
    const load = { kind: `${wish.clip} table ${name}`, units: pictures.rows.length, places: 1 };
    const { signal, report: onProgress } = caller;
    await this.tables.find(name);
    using seat = await this.stations.enter(caller, { clip: wish.clip, caption: null }, load);
    const table = await this.tables.tableFor(name, seat.interrogator, { signal, onProgress });
    const { topCount, scores, reverse } = wish;
    const ranks = pictures.rows.map((row) =>
      seat.run(async () => {
        using features = await Features.from(row, seat.interrogator, { signal });
        return wanted(await table.rankScored(features, { topCount, scores, reverse, signal }), wish);
      }),
    );
    // All are waited for: none may go on when the seat is left.
    const results = await Promise.allSettled(ranks);
    return results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
  }
}

function wanted(ranked: readonly RankedLabel[], { topCount, threshold }: RankWish): RankedLabel[] {
  const scored = threshold === undefined ? ranked : ranked.filter(({ similarity, probability = similarity }) => probability >= threshold);
  return scored.slice(0, topCount);
}

function rankRow(
  similarities: Float32Array,
  labels: readonly string[],
  logits: { scale: number | null; bias: number | null },
  { scores, reverse }: RankWish,
): RankedLabel[] {
  const sign = reverse ? -1 : 1;
  const order = [...similarities.keys()].sort((a, b) => sign * ((similarities[b] as number) - (similarities[a] as number)) || a - b);
  const probability = scores === 'probability' ? probabilityOf(similarities, logits) : undefined;
  return order.map((place) => {
    const similarity = similarities[place] as number;
    return { label: labels[place] as string, similarity, ...(probability && { probability: probability(similarity) }) };
  });
}
