/** How well the text files beside pictures fit them. */
import { readFile } from 'node:fs/promises';
import { Features, type Interrogator } from '../../api';
import type { FeatureRows } from '../feature-rows';
import type { CaptionFit } from './inspection';

/** Texts that are encoded together. */
const AT_ONCE = 256;
const WORST = 20;

export interface Captioned {
  name: string;
  /** The text file's path. */
  sidecar: Buffer;
  /** The picture's row. */
  place: number;
}

/** null where no picture has a text. */
export async function fitOfCaptions(
  pictures: readonly Captioned[],
  rows: FeatureRows,
  interrogator: Interrogator,
  signal: AbortSignal,
): Promise<CaptionFit | null> {
  const fits: { name: string; text: string; similarity: number }[] = [];
  for (let start = 0; start < pictures.length; start += AT_ONCE) {
    const texts = await Promise.all(
      pictures.slice(start, start + AT_ONCE).map(async (picture) => ({ ...picture, text: await textOf(picture.sidecar) })),
    );
    const there = texts.filter(({ text }) => text !== '');
    if (there.length === 0) continue;
    const block = await rows.read(there.map(({ place }) => place));
    using images = await Features.from(block, interrogator, { signal });
    using encoded = await interrogator.textToFeatures(
      there.map(({ text }) => text),
      { signal },
    );
    const similarities = await images.similarity(encoded, { signal });
    for (const [i, { name, text }] of there.entries()) fits.push({ name, text, similarity: similarities[i * there.length + i] as number });
  }
  if (fits.length === 0) return null;
  const mean = fits.reduce((sum, { similarity }) => sum + similarity, 0) / fits.length;
  const deviation = Math.sqrt(fits.reduce((sum, { similarity }) => sum + (similarity - mean) ** 2, 0) / fits.length);
  const worst = fits
    .sort((a, b) => a.similarity - b.similarity || (a.name < b.name ? -1 : 1))
    .slice(0, WORST)
    .map((fit) => ({ ...fit, deviations: deviation > 0 ? (mean - fit.similarity) / deviation : 0 }));
  return { count: fits.length, mean, deviation, worst };
}

async function textOf(file: Buffer): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).trim();
}
