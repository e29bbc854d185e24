/** Features of pictures and texts, made on a device of this process. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Features, type Interrogator } from '../../../index';
import type { SentPicture } from '../../pictures/picture';
import type { Caller } from '../caller';
import type { Embedded, EncodedPicture, Encoders, Encoding, Logits } from '../embed';
import type { Stations } from '../station';

/** Counting the tokens of so many texts takes about 1 ms. */
const COUNTS_PER_TURN = 32;

export class LocalEncoders implements Encoders {
  readonly partsAtOnce = 1;

  constructor(private readonly stations: Stations) {}

  async enter(caller: Caller, clip: string, load: { kind: string; units: number }): Promise<Encoding> {
    const seat = await this.stations.enter(caller, { clip, caption: null }, { ...load, places: 1 });
    const { interrogator } = seat;
    return {
      picture: (picture) => seat.run(() => encodePicture(caller, interrogator, picture)),
      texts: (texts) => seat.run(() => encodeTexts(caller, interrogator, texts)),
      [Symbol.dispose]: () => seat[Symbol.dispose](),
    };
  }

  async tokens(caller: Caller, texts: readonly string[], clip: string): Promise<{ all: number; read: number }[]> {
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

  async similarities(
    caller: Caller,
    pictures: Embedded,
    texts: Embedded,
    clip: string,
  ): Promise<{ similarities: Float32Array; logits: Logits }> {
    using seat = await this.stations.enter(caller, { clip, caption: null }, { kind: `${clip} product`, units: 1, places: 1 });
    const { signal } = caller;
    return await seat.run(async () => {
      using left = await Features.from(joined(pictures), seat.interrogator, { signal });
      using right = await Features.from(joined(texts), seat.interrogator, { signal });
      return { similarities: await left.similarity(right, { signal }), logits: seat.interrogator.logits };
    });
  }
}

async function encodePicture({ signal }: Caller, interrogator: Interrogator, { bytes }: SentPicture): Promise<EncodedPicture> {
  // Through describeModes(), which says how large the picture is, too.
  const { width, height, truncated, features } = await interrogator.describeModes(bytes?.source ?? Buffer.alloc(0), { modes: [], signal });
  using rows = features;
  const row = await rows.toArray({ signal });
  return { row, size: width !== undefined && height !== undefined ? { width, height, ...(truncated && { truncated }) } : undefined };
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
