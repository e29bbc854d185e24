/** Labels by how well they fit pictures: lists of a request, and tables. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { probabilityOf, type RankedLabel } from '../../index';
import { badRequest } from '../answers/refusal';
import type { Caller } from './caller';
import type { Embedded, Embedding } from './embed';

export interface RankWish {
  clip: string;
  topCount: number;
  scores: 'cosine' | 'probability';
  reverse: boolean;
  /** Leaves out what scores less. */
  threshold?: number | undefined;
}

/** The tables of the server, and their embeddings: on a device of this process, or of another. */
export interface Tables {
  /** A list a picture; the threshold is not looked at. Embeddings are made where they are not there yet. Rejects with 404. */
  rank(caller: Caller, pictures: Embedded, name: string, wish: RankWish): Promise<RankedLabel[][]>;
  /** Rejects with 404; with 503 where no model that has it is open. */
  labels(name: string): Promise<readonly string[]>;
  /** CLIP models that have its embeddings in memory. */
  readyFor(name: string): string[];
  /** Makes the embeddings: begun again, that goes on where it was. */
  prepare(caller: Caller, name: string, clip: string): Promise<void>;
}

/** Pictures × labels of one request. */
const MOST_SCORES = 1_000_000;

export class Ranking {
  constructor(
    private readonly embedding: Embedding,
    private readonly tables: Tables,
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

  /** Against a table of the server. */
  async table(caller: Caller, pictures: Embedded, name: string, wish: RankWish): Promise<RankedLabel[][]> {
    const ranked = await this.tables.rank(caller, pictures, name, wish);
    return ranked.map((each) => wanted(each, wish));
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
