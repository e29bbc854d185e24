/** float16 of float32, compared with every float16 there is. */
import { asKept } from '../../../lib/run/ledger/feature-file';
import { fromFloat16, toFloat16 } from '../../../lib/run/ledger/float16';

/** All finite ones, in rising order. */
const finite = Array.from({ length: 0x7c00 }, (_, half) => half);

test('every float16 is its own nearest', () => {
  const wrong = finite.filter((half) => toFloat16(fromFloat16(half)) !== half || toFloat16(-fromFloat16(half)) !== (half | 0x8000));
  expect(wrong).toEqual([]);
});

test('between two float16s the nearer one is taken, and of a tie the even one', () => {
  const wrong = finite.slice(0, -1).filter((half) => {
    const [below, above] = [fromFloat16(half), fromFloat16(half + 1)];
    const middle = (below + above) / 2;
    const nearBelow = toFloat16(Math.fround(below + (middle - below) * 0.99));
    const nearAbove = toFloat16(Math.fround(above - (above - middle) * 0.99));
    return toFloat16(middle) !== half + (half % 2) || nearBelow !== half || nearAbove !== half + 1;
  });
  expect(wrong).toEqual([]);
});

test('beyond the range: infinity; NaN stays NaN', () => {
  expect(fromFloat16(toFloat16(65519))).toBe(65504);
  expect(fromFloat16(toFloat16(65520))).toBe(Number.POSITIVE_INFINITY);
  expect(fromFloat16(toFloat16(-1e30))).toBe(Number.NEGATIVE_INFINITY);
  expect(fromFloat16(toFloat16(Number.NaN))).toBeNaN();
});

test('a unit-length row is kept to 2^-11 of each number', () => {
  const row = Float32Array.from({ length: 512 }, (_, i) => Math.sin(i * i) / 16);
  for (const [i, kept] of asKept(row).entries())
    expect(Math.abs(kept - (row[i] as number))).toBeLessThanOrEqual(Math.abs(row[i] as number) * 2 ** -11);
});
