/** Our pixels beside Pillow's. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DecodeOptions, decodeImage } from '../../lib/image';

/** What Pillow made of a file: judge.py. */
export type Entry = { width: number; height: number; upright?: { width: number; height: number } } | { error: string };

export interface Comparison {
  name: string;
  largest: number;
  mean: number;
}

/** How far our pixels are from Pillow's, in levels of 255. A string where one side fails and the other does not. */
export async function compare(folder: string, name: string, entry: Entry, options: DecodeOptions = {}): Promise<Comparison | string> {
  const ours = await decodeImage(path.join(folder, name), options).catch((error: Error & { code: string }) => error);
  if ('error' in entry) return ours instanceof Error || 'code' in ours ? 'both fail' : `${name}: only Pillow fails: ${entry.error}`;
  if ('code' in ours || ours instanceof Error) return `${name}: only we fail: ${(ours as Error).message}`;
  ours.release();
  if (ours.width !== entry.width || ours.height !== entry.height) return `${name}: ${ours.width} × ${ours.height}`;
  const theirs = readFileSync(path.join(folder, `${name}${options.orientation === 'exif' ? '.upright' : ''}.rgb`));
  if (ours.data.length !== theirs.length) return `${name}: ${ours.data.length} bytes`;
  let largest = 0;
  let sum = 0;
  for (let at = 0; at < theirs.length; at++) {
    const difference = Math.abs((ours.data[at] as number) - (theirs[at] as number));
    largest = Math.max(largest, difference);
    sum += difference;
  }
  return { name, largest, mean: sum / theirs.length };
}
