/** Features of pictures and texts, and what is compared of them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Features, type Interrogator } from '../../index';
import type { PairWish } from '../models/pair';
import type { PictureCache } from '../pictures/cache';
import type { PictureBytes, SentPicture } from '../pictures/picture';
import type { Stored } from '../pictures/spool';
import type { Caller } from './caller';
import { forgotten } from './describe';
import type { Seat, Stations } from './station';
import type { TextCache } from './text-cache';

/** Texts that are encoded in one go: others have their turn in between. */
const TEXTS_AT_ONCE = 256;
/** Counting the tokens of so many texts takes about 1 ms. */
const COUNTS_PER_TURN = 32;
/** Pictures of one request that are worked on at the same time. */
const PICTURES_AT_ONCE = 16;

export interface Embedded {
  /** Unit-length rows. */
  rows: Float32Array[];
  dim: number;
}

export class Embedding {
  constructor(
    private readonly stations: Stations,
    private readonly cache: PictureCache,
    private readonly texts: TextCache,
  ) {}

  async pictures(caller: Caller, pictures: readonly SentPicture[], clip: string): Promise<Embedded> {
    const rows = pictures.map(({ id }) => this.cache.features(id, clip));
    const missing = [...pictures.keys()].filter((place) => rows[place] === undefined);
    if (missing.some((place) => pictures[place]?.bytes === undefined)) throw forgotten();
    if (missing.length > 0) {
      using seat = await this.enter(caller, clip, 'picture', missing.length);
      await atOnce(PICTURES_AT_ONCE, missing, async (place) => {
        const { id, bytes } = pictures[place] as SentPicture;
        rows[place] = await seat.run(() => this.picture(caller, seat.interrogator, id, (bytes as PictureBytes).source, clip));
      });
    }
    return { rows: rows as Float32Array[], dim: rows[0]?.length ?? 0 };
  }

  async textRows(caller: Caller, texts: readonly string[], clip: string): Promise<Embedded> {
    const rows = new Map(texts.map((text) => [text, this.texts.find(clip, text)]));
    const missing = [...rows].flatMap(([text, row]) => (row ? [] : [text]));
    if (missing.length > 0) {
      const parts = Math.ceil(missing.length / TEXTS_AT_ONCE);
      // A part of few texts takes less: what is typed is not to be thought as long as a list.
      using seat = await this.enter(caller, clip, `texts ${Math.ceil(Math.log2(Math.min(missing.length, TEXTS_AT_ONCE) + 1))}`, parts);
      for (let at = 0; at < missing.length; at += TEXTS_AT_ONCE) {
        const part = missing.slice(at, at + TEXTS_AT_ONCE);
        const found = await seat.run(() => encodeTexts(caller, seat.interrogator, part));
        for (const [i, text] of part.entries()) {
          rows.set(text, found[i]);
          this.texts.keep(clip, text, found[i] as Float32Array);
        }
      }
    }
    const all = texts.map((text) => rows.get(text) as Float32Array);
    return { rows: all, dim: all[0]?.length ?? 0 };
  }

  /** Of each text, all of its tokens without start and end, and those of them that the model reads. */
  async tokens(caller: Caller, texts: readonly string[], clip: string): Promise<{ all: number; read: number }[]> {
    if (texts.length === 0) return [];
    using lent = await this.stations.lend(caller, { clip, caption: null });
    const { interrogator } = lent;
    const began = performance.now();
    const counts: { all: number; read: number }[] = [];
    for (const text of texts) {
      const all = await interrogator.countTokens(text, { signal: caller.signal });
      counts.push({ all, read: Math.min(all, interrogator.contextTokens) });
      if (counts.length % COUNTS_PER_TURN === 0) await nextTurn();
    }
    caller.times.tokenization += (performance.now() - began) / 1000;
    return counts;
  }

  /** Cosine similarities: a row a picture, a column a text. */
  async similarities(
    caller: Caller,
    pictures: Embedded,
    texts: Embedded,
    clip: string,
  ): Promise<{ similarities: Float32Array; logits: Interrogator['logits'] }> {
    using seat = await this.enter(caller, clip, 'product', 1);
    const { signal } = caller;
    return await seat.run(async () => {
      using left = await Features.from(joined(pictures), seat.interrogator, { signal });
      using right = await Features.from(joined(texts), seat.interrogator, { signal });
      return { similarities: await left.similarity(right, { signal }), logits: seat.interrogator.logits };
    });
  }

  private enter(caller: Caller, clip: string, what: string, units: number): Promise<Seat> {
    const models: PairWish = { clip, caption: null };
    return this.stations.enter(caller, models, { kind: `${clip} ${what}`, units, places: 1 });
  }

  private async picture(caller: Caller, interrogator: Interrogator, id: string, bytes: Stored, clip: string): Promise<Float32Array> {
    const { signal } = caller;
    // Through describeModes(), which says how large the picture is, too.
    const { width, height, truncated, features } = await interrogator.describeModes(bytes, { modes: [], signal });
    using rows = features;
    const row = await rows.toArray({ signal });
    this.cache.keepFeatures(id, clip, row);
    if (width !== undefined && height !== undefined) this.cache.keepSize(id, { width, height, ...(truncated && { truncated }) });
    return row;
  }
}

async function encodeTexts({ signal }: Caller, interrogator: Interrogator, texts: readonly string[]): Promise<Float32Array[]> {
  using features = await interrogator.textToFeatures(texts, { signal });
  const { dim } = features;
  const numbers = await features.toArray({ signal });
  // Copies: a row that is kept must not keep all of its part.
  return texts.map((_, i) => numbers.slice(i * dim, (i + 1) * dim));
}

function joined({ rows, dim }: Embedded): Float32Array {
  const all = new Float32Array(rows.length * dim);
  for (const [i, row] of rows.entries()) all.set(row, i * dim);
  return all;
}

/** The first failure ends the others, too: whoever asked gets that one. */
async function atOnce<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  let failed = false;
  const some = async (): Promise<void> => {
    for (const item of left) {
      if (failed) return;
      await work(item).catch((error) => {
        failed = true;
        throw error;
      });
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(count, items.length) }, some));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
