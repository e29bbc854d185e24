/** Features of pictures and texts, and what is compared of them. */
import type { Interrogator } from '../../index';
import type { PictureCache } from '../pictures/cache';
import type { SentPicture } from '../pictures/picture';
import type { Caller } from './caller';
import { forgotten, type PictureSize } from './describe';
import type { TextCache } from './text-cache';

/** Texts that are encoded in one go, and their characters: others have their turn in between. */
const TEXTS_AT_ONCE = 256;
const CHARACTERS_AT_ONCE = 200_000;
/** Pictures of one request that are worked on at the same time. */
const PICTURES_AT_ONCE = 16;

export interface Embedded {
  /** Unit-length rows. */
  rows: Float32Array[];
  dim: number;
}

export interface EncodedPicture {
  row: Float32Array;
  size: PictureSize | undefined;
}

/** A request that was let in, to have pictures or texts encoded. */
export interface Encoding extends Disposable {
  /** The picture has bytes. */
  picture(picture: SentPicture): Promise<EncodedPicture>;
  /** A row each. */
  texts(texts: readonly string[]): Promise<Float32Array[]>;
}

export type Logits = Interrogator['logits'];

/** Does the work that no cache saves: on a device of this process, or of another. */
export interface Encoders {
  /** Parts of a list of texts that are encoded at the same time. */
  readonly partsAtOnce: number;
  /** Lets a request in that has so many units of a kind. */
  enter(caller: Caller, clip: string, load: { kind: string; units: number }): Promise<Encoding>;
  /** Of each text, all of its tokens without start and end, and those of them that the model reads. */
  tokens(caller: Caller, texts: readonly string[], clip: string): Promise<{ all: number; read: number }[]>;
  /** Cosine similarities: a row a picture, a column a text. */
  similarities(caller: Caller, pictures: Embedded, texts: Embedded, clip: string): Promise<{ similarities: Float32Array; logits: Logits }>;
}

export class Embedding {
  constructor(
    private readonly encoders: Encoders,
    private readonly cache: PictureCache,
    private readonly texts: TextCache,
  ) {}

  async pictures(caller: Caller, pictures: readonly SentPicture[], clip: string): Promise<Embedded> {
    const { cache } = this;
    const rows = pictures.map(({ id }) => cache.features(id, clip));
    const missing = [...pictures.keys()].filter((place) => rows[place] === undefined);
    if (missing.some((place) => pictures[place]?.bytes === undefined)) throw forgotten();
    if (missing.length > 0) {
      using encoding = await this.encoders.enter(caller, clip, { kind: `${clip} picture`, units: missing.length });
      await atOnce(PICTURES_AT_ONCE, missing, async (place) => {
        const picture = pictures[place] as SentPicture;
        const { row, size } = await encoding.picture(picture);
        rows[place] = row;
        cache.keepFeatures(picture.id, clip, row);
        if (size) cache.keepSize(picture.id, size);
      });
    }
    return { rows: rows as Float32Array[], dim: rows[0]?.length ?? 0 };
  }

  async textRows(caller: Caller, texts: readonly string[], clip: string): Promise<Embedded> {
    const rows = new Map(texts.map((text) => [text, this.texts.find(clip, text)]));
    const missing = [...rows].flatMap(([text, row]) => (row ? [] : [text]));
    if (missing.length > 0) {
      const parts = partsOf(missing);
      // A part of few texts takes less: what is typed is not to be thought as long as a list.
      const kind = `${clip} texts ${Math.ceil(Math.log2(Math.min(missing.length, TEXTS_AT_ONCE) + 1))}`;
      using encoding = await this.encoders.enter(caller, clip, { kind, units: parts.length });
      await atOnce(this.encoders.partsAtOnce, parts, async (part) => {
        const found = await encoding.texts(part);
        for (const [i, text] of part.entries()) {
          rows.set(text, found[i]);
          this.texts.keep(clip, text, found[i] as Float32Array);
        }
      });
    }
    const all = texts.map((text) => rows.get(text) as Float32Array);
    return { rows: all, dim: all[0]?.length ?? 0 };
  }

  /** Of each text, all of its tokens without start and end, and those of them that the model reads. */
  async tokens(caller: Caller, texts: readonly string[], clip: string): Promise<{ all: number; read: number }[]> {
    return texts.length === 0 ? [] : this.encoders.tokens(caller, texts, clip);
  }

  /** Cosine similarities: a row a picture, a column a text. */
  similarities(caller: Caller, pictures: Embedded, texts: Embedded, clip: string): Promise<{ similarities: Float32Array; logits: Logits }> {
    return this.encoders.similarities(caller, pictures, texts, clip);
  }
}

/** Texts in parts that are neither too many nor too long. */
export function partsOf(texts: readonly string[]): string[][] {
  const parts: string[][] = [];
  let characters = 0;
  for (const text of texts) {
    const last = parts.at(-1);
    characters += text.length;
    if (last && last.length < TEXTS_AT_ONCE && characters <= CHARACTERS_AT_ONCE) {
      last.push(text);
    } else {
      parts.push([text]);
      characters = text.length;
    }
  }
  return parts;
}

/** The first failure ends the others, too: whoever asked gets that one. */
export async function atOnce<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
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
