/** Runs of numbers in parquet pages: those that are whole pass, those that would make an array without an end do not. */
import { bitWidth, checkRuns } from '../../../lib/run/inputs/parquet/runs';
import { numbers } from './reading';

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

/** `count` numbers in runs of both kinds. The last packed one is filled up. */
function randomRuns(pick: (below: number) => number, count: number, width: number): { bytes: number[]; lastRun: number } {
  const bytes: number[] = [];
  let lastRun = 0;
  for (let left = count; left > 0; ) {
    lastRun = bytes.length;
    if (pick(2)) {
      const groups = 1 + pick(Math.min(63, Math.ceil(left / 8)));
      bytes.push(...varint((groups << 1) | 1), ...Array.from({ length: groups * width }, () => pick(256)));
      left -= 8 * groups;
    } else {
      const length = 1 + pick(left);
      bytes.push(...varint(length << 1), ...Array.from({ length: (width + 7) >> 3 }, () => pick(256)));
      left -= length;
    }
  }
  return { bytes, lastRun };
}

test.each(Array.from({ length: 40 }, (_, i) => i + 1))('random runs (%i)', (seed) => {
  const pick = numbers(seed * 101);
  const [count, width] = [1 + pick(3000), 1 + pick(20)];
  const { bytes, lastRun } = randomRuns(pick, count, width);
  const check = (all: number[]): void => checkRuns(Uint8Array.from([9, 9, ...all]), { start: 2, end: 2 + all.length, width, count });
  expect(() => check(bytes)).not.toThrow();
  expect(() => check([...bytes.slice(0, lastRun), ...varint((count + 1) << 1), 0, 0, 0])).toThrow(
    `a page of ${count} values has a run of ${count + 1}`,
  );
  expect(() => check([...bytes.slice(0, lastRun), 0xff, 0xff, 0xff, 0xff, 0x0e, 0, 0])).toThrow('has a run of');
});

test('what reaches beyond the page does not pass', () => {
  const bytes = new Uint8Array(4);
  for (const [start, end] of [
    [0, 5],
    [3, 2],
    [-1, 2],
  ] as const) {
    expect(() => checkRuns(bytes, { start, end, width: 1, count: 1 })).toThrow('beyond');
  }
  expect(() => checkRuns(bytes, { start: 0, end: 4, width: 33, count: 1 })).toThrow('beyond');
});

test('a width holds the largest number, and no smaller width does', () => {
  for (const most of [0, 1, 2, 3, 4, 7, 8, 255, 256]) {
    expect(2 ** bitWidth(most)).toBeGreaterThan(most);
    if (most > 0) expect(2 ** (bitWidth(most) - 1)).toBeLessThanOrEqual(most);
  }
});
