/** Features of texts that were encoded lately: who types labels one after the other has each encoded once. */

/** Longer texts are seldom asked for twice. */
const LONGEST = 500;

export class TextCache {
  /** From the one that was used least lately. */
  private readonly rows = new Map<string, Float32Array>();

  /** `most`: texts. */
  constructor(private readonly most = 20_000) {}

  find(clip: string, text: string): Float32Array | undefined {
    const key = keyOf(clip, text);
    const row = this.rows.get(key);
    if (row && this.rows.delete(key)) this.rows.set(key, row);
    return row;
  }

  keep(clip: string, text: string, row: Float32Array): void {
    if (text.length > LONGEST) return;
    this.rows.set(keyOf(clip, text), row);
    for (const key of this.rows.keys()) {
      if (this.rows.size <= this.most) return;
      this.rows.delete(key);
    }
  }
}

function keyOf(clip: string, text: string): string {
  return `${clip}\n${text}`;
}
