/** The first few of many, in an order. */

/** Keeps the `most` entries that come first by `compare`; what compares equal stays in the order in which it was added. */
export class First<T> {
  private readonly kept: T[] = [];

  constructor(
    private readonly most: number,
    private readonly compare: (a: T, b: T) => number,
  ) {}

  add(entry: T): void {
    const { kept, most, compare } = this;
    if (kept.length === most && compare(kept[most - 1] as T, entry) <= 0) return;
    let [low, high] = [0, kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(kept[middle] as T, entry) <= 0) low = middle + 1;
      else high = middle;
    }
    kept.splice(low, 0, entry);
    if (kept.length > most) kept.pop();
  }

  get entries(): readonly T[] {
    return this.kept;
  }
}

/** Mean and standard deviation of numbers that come one after the other. */
export class Spread {
  private count = 0;
  private average = 0;
  private squares = 0;

  /** Welford's way, which loses no digits. */
  add(value: number): void {
    this.count += 1;
    const before = value - this.average;
    this.average += before / this.count;
    this.squares += before * (value - this.average);
  }

  get mean(): number | null {
    return this.count > 0 ? this.average : null;
  }

  /** Of all of them, not of a sample; null for fewer than two. */
  get deviation(): number | null {
    return this.count > 1 ? Math.sqrt(this.squares / this.count) : null;
  }

  /** How many standard deviations a value lies below the mean; 0 where all are equal. */
  below(value: number): number {
    const { mean, deviation } = this;
    return mean !== null && deviation !== null && deviation > 0 ? (mean - value) / deviation : 0;
  }
}

/** To 6 decimals, which is what float32 and float16 allow. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

export function roundedOrNull(value: number | null): number | null {
  return value === null ? null : rounded(value);
}
