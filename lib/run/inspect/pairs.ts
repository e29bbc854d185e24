/** Every row against every other: which are near each other, and how near the nearest is. A block of rows at a time, on the device. */
import { type CallOptions, Features, type Interrogator } from '../../api';
import { throwIfAborted } from '../../errors';
import { Turns } from '../turns';
import { Groups } from './groups';
import { BLOCK, range, type UnitRows } from './unit-rows';

/** Bytes of features that are held while all others are read past them: so much is read again for each further so many. */
const HELD_BYTES = 128 << 20;
/** Similarities that are looked at before others get a turn: a part of a millisecond. */
const SCANNED_AT_ONCE = 1 << 17;

export interface PairOptions extends CallOptions {
  interrogator: Interrogator;
  /** Cosine similarity from which rows belong together. */
  threshold: number;
  /** Rows of a block. Default 1024. */
  blockRows?: number;
  /** Blocks that are held. Default: as many as 128 MiB take. */
  heldBlocks?: number;
}

export interface Neighbours {
  /** Of each row the cosine similarity to the one most similar to it; -Infinity where there is only one row. */
  similarities: Float32Array;
  /** Which that is: the first among equals; -1 where there is only one row. */
  nearest: Int32Array;
  /** Rows that pairs of at least the threshold connect. */
  groups: Groups;
}

/** Two blocks of rows, or a block and itself. */
interface BlockPair {
  left: Block;
  right: Block;
}

interface Block {
  /** Its first row. */
  start: number;
  features: Features;
}

/** Rejects with AbortError, and with what the interrogator's calls reject with. */
export async function searchPairs(rows: UnitRows, options: PairOptions): Promise<Neighbours> {
  const { threshold, signal, onProgress, blockRows = BLOCK } = options;
  const search: Search = {
    threshold,
    similarities: new Float32Array(rows.count).fill(Number.NEGATIVE_INFINITY),
    nearest: new Int32Array(rows.count).fill(-1),
    groups: new Groups(rows.count),
  };
  const blocks = Math.ceil(rows.count / blockRows);
  const total = (blocks * (blocks + 1)) / 2;
  const turns = new Turns();
  let done = 0;
  /** While one pair of blocks is looked through, the device multiplies the next. */
  let waiting: (() => Promise<void>) | undefined;
  for await (const { left, right } of blockPairs(rows, options)) {
    throwIfAborted(signal);
    const similarities = left.features.similarity(right.features, signal ? { signal } : {});
    // Heard of where it is awaited.
    similarities.catch(() => {});
    const [columns, tops] = [right.features.rows, left.features.rows];
    await waiting?.();
    waiting = async () => {
      await scan(search, await similarities, { left: left.start, tops, right: right.start, columns }, turns);
      done += 1;
      onProgress?.({ stage: 'pairs', done, total });
    };
  }
  await waiting?.();
  return search;
}

interface Search extends Neighbours {
  threshold: number;
}

/** Each pair of blocks once. The features are closed behind the last pair that they are a part of. */
async function* blockPairs(rows: UnitRows, options: PairOptions): AsyncGenerator<BlockPair> {
  const { interrogator, signal, blockRows = BLOCK } = options;
  const { heldBlocks = Math.max(1, Math.floor(HELD_BYTES / (blockRows * rows.dim * 4))) } = options;
  const load = async (start: number): Promise<Block> => {
    const values = await rows.read(range(start, Math.min(start + blockRows, rows.count)));
    return { start, features: await Features.from(values, interrogator, signal ? { signal } : {}) };
  };
  const heldRows = heldBlocks * blockRows;
  for (let first = 0; first < rows.count; first += heldRows) {
    const held: Block[] = [];
    try {
      for (let start = first; start < rows.count; start += blockRows) {
        const right = await load(start);
        const isHeld = start < first + heldRows;
        if (isHeld) held.push(right);
        try {
          for (const left of held) yield { left, right };
        } finally {
          if (!isHeld) right.features.close();
        }
      }
    } finally {
      for (const { features } of held) features.close();
    }
  }
}

interface Window {
  left: number;
  tops: number;
  right: number;
  columns: number;
}

/** `values`: row-major tops × columns. Of a block with itself only what is right of the diagonal. */
async function scan(search: Search, values: Float32Array, window: Window, turns: Turns): Promise<void> {
  const step = Math.max(1, Math.floor(SCANNED_AT_ONCE / window.columns));
  for (let from = 0; from < window.tops; from += step) {
    scanRows(search, values, window, from, Math.min(from + step, window.tops));
    await turns.pass();
  }
}

function scanRows({ threshold, similarities, nearest, groups }: Search, values: Float32Array, window: Window, from: number, to: number) {
  const { left, right, columns } = window;
  for (let i = from; i < to; i += 1) {
    const row = left + i;
    let best = similarities[row] as number;
    for (let k = left === right ? i + 1 : 0; k < columns; k += 1) {
      const similarity = values[i * columns + k] as number;
      const other = right + k;
      if (similarity > best) {
        best = similarity;
        nearest[row] = other;
      }
      if (similarity > (similarities[other] as number)) {
        similarities[other] = similarity;
        nearest[other] = row;
      }
      if (similarity >= threshold) groups.join(row, other);
    }
    similarities[row] = best;
  }
}
