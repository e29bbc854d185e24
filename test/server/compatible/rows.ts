/** Features as the library gives them. */
import type { Interrogator } from '../../../lib';

/** A list of numbers each: of the pictures, then of the texts. */
export async function rowsOf(
  interrogator: Interrogator,
  { images = [], texts = [] }: { images?: readonly Buffer[]; texts?: readonly string[] },
): Promise<number[][]> {
  const rows: number[][] = [];
  for (const image of images) {
    using features = await interrogator.imageToFeatures(image);
    rows.push([...(await features.toArray())]);
  }
  if (texts.length === 0) return rows;
  using features = await interrogator.textToFeatures(texts);
  const numbers = await features.toArray();
  for (let at = 0; at < numbers.length; at += features.dim) rows.push([...numbers.subarray(at, at + features.dim)]);
  return rows;
}

/** The same features: their last digits depend on what was encoded beside them. */
export function expectRows(given: readonly (readonly number[])[], wanted: readonly (readonly (number | undefined)[] | undefined)[]): void {
  expect(given.map((row) => row.length)).toEqual(wanted.map((row) => row?.length));
  const worst = given.flatMap((row, i) => row.map((number, at) => Math.abs(number - (wanted[i]?.[at] as number))));
  expect(Math.max(...worst)).toBeLessThan(1e-6);
}
