/** A bounded map that forgets what was not asked for longest. */
export class PhraseCache<Value> {
  private readonly entries = new Map<string, Value>();

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.entries.size;
  }

  get(text: string): Value | undefined {
    const value = this.entries.get(text);
    if (value === undefined) return undefined;
    // A Map iterates in insertion order, so whatever is used moves to the end.
    this.entries.delete(text);
    this.entries.set(text, value);
    return value;
  }

  set(text: string, value: Value): void {
    if (this.capacity < 1) return;
    this.entries.delete(text);
    this.entries.set(text, value);
    if (this.entries.size > this.capacity) this.entries.delete(this.entries.keys().next().value as string);
  }
}
