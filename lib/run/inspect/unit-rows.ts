/** Kept image features as rows of length 1. */
import { throwIfAborted } from '../../errors';
import { type FeatureRows, LEAST_LENGTH } from '../feature-rows';
import { Turns } from '../turns';

/** Rows that are read at once. */
export const BLOCK = 1024;
/** Rows that are worked on before others get a turn. */
const ROWS_AT_ONCE = 64;

/** Rows 0 … count - 1 of length 1. */
export interface UnitRows {
  readonly count: number;
  readonly dim: number;
  /** Float32, row-major, `rows.length` × dim. */
  read(rows: readonly number[]): Promise<Float32Array>;
}

/** Rows of a file, by their places in it. float16 has made them a little longer or shorter. */
export function unitRows(file: FeatureRows, places: readonly number[]): UnitRows {
  return {
    count: places.length,
    dim: file.dim,
    async read(rows) {
      const values = await file.read(rows.map((row) => places[row] as number));
      const turns = new Turns();
      for (let row = 0; row < rows.length; row += 1) {
        normalize(values.subarray(row * file.dim, (row + 1) * file.dim));
        if (row % ROWS_AT_ONCE === 0) await turns.pass();
      }
      return values;
    },
  };
}

/** To length 1; zeros where the row is none. */
function normalize(row: Float32Array): void {
  const length = lengthOf(row);
  const factor = length >= LEAST_LENGTH && Number.isFinite(length) ? 1 / length : 0;
  for (let i = 0; i < row.length; i += 1) row[i] = factor === 0 ? 0 : (row[i] as number) * factor;
}

function lengthOf(row: Float32Array): number {
  let squares = 0;
  for (const value of row) squares += value * value;
  return Math.sqrt(squares);
}

/** Which of the rows are there, and the sum of these. Rejects with AbortError. */
export async function sumOf(
  rows: UnitRows,
  { signal, onBlock }: { signal?: AbortSignal | undefined; onBlock?: (done: number) => void } = {},
): Promise<{ sound: number[]; sum: Float64Array }> {
  const sum = new Float64Array(rows.dim);
  const sound: number[] = [];
  const turns = new Turns();
  for (let start = 0; start < rows.count; start += BLOCK) {
    const block = range(start, Math.min(start + BLOCK, rows.count));
    const values = await rows.read(block);
    for (const [i, row] of block.entries()) {
      if (addTo(sum, values.subarray(i * rows.dim, (i + 1) * rows.dim))) sound.push(row);
      if (i % ROWS_AT_ONCE === 0) await turns.pass();
    }
    throwIfAborted(signal);
    onBlock?.(Math.min(start + BLOCK, rows.count));
  }
  return { sound, sum };
}

/** Whether the row is one. */
function addTo(sum: Float64Array, row: Float32Array): boolean {
  let isSound = false;
  for (let i = 0; i < row.length; i += 1) {
    const value = row[i] as number;
    sum[i] = (sum[i] as number) + value;
    if (value !== 0) isSound = true;
  }
  return isSound;
}

/** Mean cosine similarity of all pairs of `count` rows of length 1, from their sum: its square holds each pair twice, and each row once. */
export function meanSimilarity(sum: Float64Array, count: number): number | null {
  if (count < 2) return null;
  let squares = 0;
  for (const value of sum) squares += value * value;
  return (squares - count) / (count * (count - 1));
}

export function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
