/** How well the text files beside pictures fit the pictures. */
import { open } from 'node:fs/promises';
import { type CallOptions, Features, type Interrogator } from '../../api';
import { throwIfAborted } from '../../errors';
import { First, rounded, roundedOrNull, Spread } from './first';
import type { CaptionFit, Inspection } from './inspection';
import type { Member } from './members';
import { partsOf, type TermCounts } from './terms';
import { besidePicture } from './there';
import type { UnitRows } from './unit-rows';

/** Enough for full passes over the text tower. */
const AT_ONCE = 256;
/** Captions are short: models read some hundred characters of them. */
const MOST_BYTES = 1 << 14;

export interface CaptionOptions extends CallOptions {
  interrogator: Interrogator;
  extension: string;
  /** Entries of `worst`. */
  most: number;
  /** Counts the terms of the texts, too. */
  counts: TermCounts;
}

/** A picture with its text. */
interface Captioned {
  image: string;
  row: number;
  text: string;
}

/** `rowOf`: the row of each picture's features. Rejects with AbortError, and with what the interrogator's calls reject with. */
export async function scoreCaptions(
  members: readonly (Member & { row: number })[],
  rows: UnitRows,
  options: CaptionOptions,
): Promise<Inspection['captions']> {
  const { extension, most, counts, signal, onProgress } = options;
  const spread = new Spread();
  const worst = new First<Omit<CaptionFit, 'deviations'>>(most, (a, b) => a.similarity - b.similarity);
  let [scored, missing, empty] = [0, 0, 0];
  for (let start = 0; start < members.length; start += AT_ONCE) {
    const some = members.slice(start, start + AT_ONCE);
    const texts = await Promise.all(some.map(({ file }) => (file ? readText(besidePicture(file, extension)) : undefined)));
    const captioned: Captioned[] = [];
    for (const [i, { name, row }] of some.entries()) {
      const text = texts[i];
      if (text === undefined) missing += 1;
      else if (text === '') empty += 1;
      else captioned.push({ image: name, row, text });
    }
    const similarities = captioned.length > 0 ? await similaritiesOf(captioned, rows, options) : [];
    for (const [i, { image, text }] of captioned.entries()) {
      const similarity = rounded(similarities[i] as number);
      spread.add(similarity);
      worst.add({ image, caption: text, similarity });
      counts.add({ sidecars: partsOf(text) });
    }
    scored += captioned.length;
    throwIfAborted(signal);
    onProgress?.({ stage: 'captions', done: start + some.length, total: members.length });
  }
  const fits = worst.entries.map((fit) => ({ ...fit, deviations: rounded(spread.below(fit.similarity)) }));
  return {
    extension,
    scored,
    missing,
    empty,
    mean: roundedOrNull(spread.mean),
    deviation: roundedOrNull(spread.deviation),
    worst: fits,
  };
}

/** Of each picture and its own text. Texts that several pictures have are encoded once. */
async function similaritiesOf(
  captioned: readonly Captioned[],
  rows: UnitRows,
  { interrogator, signal }: CaptionOptions,
): Promise<number[]> {
  const call = signal ? { signal } : {};
  const texts = [...new Set(captioned.map(({ text }) => text))];
  const places = new Map(texts.map((text, place) => [text, place]));
  using textFeatures = await interrogator.textToFeatures(texts, call);
  using imageFeatures = await Features.from(await rows.read(captioned.map(({ row }) => row)), interrogator, call);
  const all = await imageFeatures.similarity(textFeatures, call);
  return captioned.map(({ text }, i) => all[i * texts.length + (places.get(text) as number)] as number);
}

/** On one line, its beginning where it is long; undefined where there is no such file. */
async function readText(file: Buffer): Promise<string | undefined> {
  try {
    await using handle = await open(file);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead)).replace(/\s+/g, ' ').trim();
  } catch {
    return undefined;
  }
}
