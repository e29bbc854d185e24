/** Where in a file something is, by the digest of its name: 24 bytes an entry, so that a million of them take 48 MB at most. */
import { createHash } from 'node:crypto';

const WORDS = 4;
/** Entries a slot at most, before the table doubles. */
const LOAD = 0.6;

/**
 * A hash table of numbers by 128 bits of a SHA-256. What is set again is replaced. Two names with the same 128 bits are taken for one,
 * which does not happen.
 */
export class Offsets {
  private keys: Uint32Array;
  /** Offset + 1; 0 where the slot is free. */
  private values: Float64Array;
  private used = 0;

  constructor(capacity = 1024) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, capacity / LOAD)));
    this.keys = new Uint32Array(slots * WORDS);
    this.values = new Float64Array(slots);
  }

  get size(): number {
    return this.used;
  }

  /** `digest`: hexadecimal digits of which the first 32 count. */
  get(digest: string): number | undefined {
    const value = this.values[this.slotOf(wordsOf(digest))] as number;
    return value === 0 ? undefined : value - 1;
  }

  set(digest: string, offset: number): void {
    if ((this.used + 1) / this.values.length > LOAD) this.grow();
    this.put(wordsOf(digest), offset + 1);
  }

  private put(words: Words, value: number): void {
    const slot = this.slotOf(words);
    if (this.values[slot] === 0) this.used += 1;
    this.keys.set(words, slot * WORDS);
    this.values[slot] = value;
  }

  /** Where these words are, or belong. */
  private slotOf(words: Words): number {
    const mask = this.values.length - 1;
    let slot = words[0] & mask;
    while (this.values[slot] !== 0 && !this.holds(slot, words)) slot = (slot + 1) & mask;
    return slot;
  }

  private holds(slot: number, words: Words): boolean {
    return words.every((word, i) => this.keys[slot * WORDS + i] === word);
  }

  private grow(): void {
    const { keys, values } = this;
    this.keys = new Uint32Array(keys.length * 2);
    this.values = new Float64Array(values.length * 2);
    this.used = 0;
    for (const [slot, value] of values.entries()) {
      if (value !== 0) this.put([...keys.subarray(slot * WORDS, (slot + 1) * WORDS)] as unknown as Words, value);
    }
  }
}

type Words = readonly [number, number, number, number];

function wordsOf(digest: string): Words {
  const word = (place: number): number => Number.parseInt(digest.slice(place * 8, place * 8 + 8), 16);
  return [word(0), word(1), word(2), word(3)];
}

/** What a name is filed under. */
export function digestOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}
