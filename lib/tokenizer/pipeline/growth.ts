/** NFKC makes 18 characters of one, and no real tokenizer makes more. */
const MOST_GROWTH = 64;
/** A short text may grow by this much more. */
const ALLOWANCE = 1024;

/** Throws where the steps of a tokenizer have made a text much longer than it was. Counts UTF-16 code units. */
export function checkGrowth(length: number, source: number): void {
  if (length > MOST_GROWTH * source + ALLOWANCE) throw new Error(`its steps make ${length} characters of ${source}`);
}
