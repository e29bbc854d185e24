/** Every picture compared with every other, a block with a block on the device. */
import { setImmediate } from 'node:timers/promises';
import { Features, type Interrogator } from '../../api';
import { throwIfAborted } from '../../errors';
import type { FeatureRows } from '../feature-rows';
import { Groups } from './groups';

/** Rows of a block: 4 MB of similarities. */
const BLOCK = 1024;
/** Similarities that are looked at before others get a turn: 1 to 2 ms. */
const AT_ONCE = 1 << 19;

export interface Neighbours {
  /** Of each picture: its nearest neighbour's place and their similarity; -1 and -1 for a single picture. */
  nearest: Int32Array;
  similarity: Float32Array;
  /** Pictures that look the same, joined pair by pair, and by the root of each group the lowest similarity that joined two. */
  groups: Groups;
  lowest: Map<number, number>;
  /** Of two different pictures. */
  mean: number;
}

export interface NeighbourOptions {
  /** From this cosine similarity on two pictures look the same. */
  threshold: number;
  signal: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

/** `places`: which rows, one a picture. */
export async function findNeighbours(
  rows: FeatureRows,
  places: readonly number[],
  interrogator: Interrogator,
  { threshold, signal, onProgress }: NeighbourOptions,
): Promise<Neighbours> {
  const count = places.length;
  const found: Neighbours = {
    nearest: new Int32Array(count).fill(-1),
    similarity: new Float32Array(count).fill(-1),
    groups: new Groups(count),
    lowest: new Map(),
    mean: 0,
  };
  const pairs: [number, number, number][] = [];
  const blocks: Features[] = [];
  let sum = 0;
  try {
    for (let start = 0; start < count; start += BLOCK) {
      const block = await rows.read(places.slice(start, start + BLOCK));
      blocks.push(await Features.from(block, interrogator, { signal }));
    }
    const total = (blocks.length * (blocks.length + 1)) / 2;
    let done = 0;
    for (const [i, one] of blocks.entries()) {
      for (const [j, other] of blocks.slice(i).entries()) {
        const similarities = await one.similarity(other, { signal });
        sum += await scan(similarities, { first: i * BLOCK, second: (i + j) * BLOCK, width: other.rows }, found, threshold, pairs, signal);
        done += 1;
        onProgress?.(done, total);
      }
    }
  } finally {
    for (const block of blocks) block.close();
  }
  for (const [a, b] of pairs) found.groups.join(a, b);
  for (const [a, , similarity] of pairs) {
    const root = found.groups.root(a);
    found.lowest.set(root, Math.min(similarity, found.lowest.get(root) ?? 1));
  }
  found.mean = count > 1 ? (2 * sum) / (count * (count - 1)) : 1;
  return found;
}

interface Corner {
  first: number;
  second: number;
  width: number;
}

/** Looks at each pair of different pictures once. Resolves with the sum of their similarities. */
async function scan(
  similarities: Float32Array,
  { first, second, width }: Corner,
  { nearest, similarity }: Neighbours,
  threshold: number,
  pairs: [number, number, number][],
  signal: AbortSignal,
): Promise<number> {
  let sum = 0;
  for (let start = 0; start < similarities.length; start += AT_ONCE) {
    if (start > 0) await setImmediate();
    throwIfAborted(signal);
    const end = Math.min(similarities.length, start + AT_ONCE);
    for (let at = start; at < end; at += 1) {
      const a = first + Math.floor(at / width);
      const b = second + (at % width);
      if (b <= a) continue;
      const value = similarities[at] as number;
      sum += value;
      if (value > (similarity[a] as number)) {
        similarity[a] = value;
        nearest[a] = b;
      }
      if (value > (similarity[b] as number)) {
        similarity[b] = value;
        nearest[b] = a;
      }
      if (value >= threshold) pairs.push([a, b, value]);
    }
  }
  return sum;
}
