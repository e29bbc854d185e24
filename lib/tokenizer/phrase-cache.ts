/**
 * A bounded map that forgets what was not asked for lately: two generations, and when the young one is full it becomes the old one.
 * Cheaper than strict least-recently-used order, for which a Map would have to skip everything deleted before its first entry.
 */
export class PhraseCache<Value> {
  private young = new Map<string, Value>();
  private old = new Map<string, Value>();

  /** Holds at most `capacity` values, and at least the latest half of that. */
  constructor(private readonly capacity: number) {}

  get(text: string): Value | undefined {
    const recent = this.young.get(text);
    if (recent !== undefined) return recent;
    const value = this.old.get(text);
    if (value !== undefined) this.set(text, value);
    return value;
  }

  set(text: string, value: Value): void {
    if (this.young.size >= this.capacity / 2) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(text, value);
  }
}
