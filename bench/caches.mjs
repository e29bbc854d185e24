/** Processor caches, emptied of what is about to be read. */

/** Numbers that together are larger than last-level caches. */
const NUMBERS = 2 ** 24;
let stream;

/** By reading something else: what is written must be written back, while the work runs. */
export function evictCaches() {
  // Filled, for a page that never was written to is one page of zeros.
  stream ??= new Float64Array(NUMBERS).fill(1);
  const sum = stream.reduce((total, value) => total + value, 0);
  if (sum !== NUMBERS) throw new Error('The caches were not evicted.');
}
