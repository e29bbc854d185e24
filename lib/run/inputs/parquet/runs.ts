/** Runs of small numbers in a page, as parquet writes levels and places in a dictionary. They are looked at before the library reads them. */

/** Bits that a number up to `most` takes. */
export function bitWidth(most: number): number {
  return 32 - Math.clz32(most);
}

/** Some writers fill up a last run of packed numbers. */
const FILLING = 512;

/**
 * Throws where a run of `bytes` between `start` and `end` is longer than the `count` numbers that are left. The library would write as
 * many as a damaged run says, and an array that is too long ends the process.
 */
export function checkRuns(
  bytes: Uint8Array,
  { start, end, width, count }: { start: number; end: number; width: number; count: number },
): void {
  if (start < 0 || start > end || end > bytes.length || width > 32) throw new Error('a page has runs that reach beyond it');
  let at = start;
  for (let seen = 0; seen < count && at < end; ) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      header |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) break;
    }
    // The lowest bit tells packed numbers, eight each, from one that is repeated.
    const isPacked = (header & 1) === 1;
    const length = (header >>> 1) * (isPacked ? 8 : 1);
    if (length > count - seen + (isPacked ? FILLING : 0)) throw new Error(`a page of ${count} values has a run of ${length}`);
    at += isPacked ? (length / 8) * width : (width + 7) >> 3;
    seen += length;
  }
}
