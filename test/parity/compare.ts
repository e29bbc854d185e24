/** How closely two answers must agree, and what counts as a tie. */
import type { Reference } from './reference';

/** Differences of similarity below this are numeric noise: either order is right. */
export const TIE = 1e-5;
/** Largest allowed difference of any feature coordinate, both sides in float32. */
export const FEATURE_TOLERANCE = 1e-4;

/** The largest absolute difference of two lists; infinite where lengths differ or a number is not finite. */
export function largestDifference(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < ours.length; i += 1) {
    const difference = Math.abs((ours[i] as number) - (theirs[i] as number));
    largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference);
  }
  return largest;
}

/**
 * Fails unless both rankings agree label by label, or disagree only where the reference's own similarities (labels
 * rounded to float16, as it ranks them) are within TIE. Returns whether they are identical.
 */
export async function expectSameRanking(
  reference: Reference,
  image: string,
  ours: readonly string[],
  theirs: readonly string[],
): Promise<boolean> {
  expect(ours).toHaveLength(theirs.length);
  const differing = theirs.flatMap((label, i) => (label === ours[i] ? [] : [[ours[i] as string, label]]));
  if (differing.length === 0) return true;
  const labels = differing.flat();
  const similarities = await reference.call<number[]>('label_similarities', { path: image, labels });
  for (const [i, pair] of differing.entries()) {
    const gap = Math.abs((similarities[2 * i] as number) - (similarities[2 * i + 1] as number));
    expect({ pair, gap, tie: gap <= TIE }).toEqual({ pair, gap, tie: true });
  }
  return false;
}

/** Fails unless our chain equals the reference's, or left it at a step where both choices tie. */
export async function expectSameChain(
  reference: Reference,
  image: string,
  ours: string,
  theirs: { prompt: string; steps: string[] },
  { start, phrases }: { start: string; phrases: readonly string[] },
): Promise<void> {
  if (ours === theirs.prompt) return;
  const { prompt, steps } = theirs;
  const margin = await reference.call<number>('judge_chain', { path: image, ours, theirs: prompt, start, steps, phrases });
  expect({ ours, theirs: theirs.prompt, margin, tie: margin <= TIE }).toEqual({
    ours,
    theirs: theirs.prompt,
    margin,
    tie: true,
  });
}
