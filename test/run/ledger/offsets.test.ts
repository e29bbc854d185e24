/** The table of offsets against a Map. */
import { digestOf, Offsets } from '../../../lib/run/ledger/offsets';

test('holds what a Map holds, over any number of growths', () => {
  const offsets = new Offsets(16);
  const map = new Map<string, number>();
  for (let i = 0; i < 20_000; i += 1) {
    const name = `picture ${(i * 7919) % 12_007}`;
    offsets.set(digestOf(name), i);
    map.set(name, i);
  }
  expect(offsets.size).toBe(map.size);
  for (const [name, offset] of map) expect(offsets.get(digestOf(name))).toBe(offset);
  expect(offsets.get(digestOf('another'))).toBeUndefined();
});

test('an offset may be 0, and beyond 4 GiB', () => {
  const offsets = new Offsets();
  offsets.set(digestOf('a'), 0);
  offsets.set(digestOf('b'), 2 ** 40);
  expect([offsets.get(digestOf('a')), offsets.get(digestOf('b'))]).toEqual([0, 2 ** 40]);
});

test('a digest of zeros is a digest like any other', () => {
  const offsets = new Offsets();
  const zeros = '0'.repeat(64);
  expect(offsets.get(zeros)).toBeUndefined();
  offsets.set(zeros, 5);
  expect(offsets.get(zeros)).toBe(5);
});
