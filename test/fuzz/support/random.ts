/** Random numbers of a seed and a case, and random changes of bytes. */

export class Random {
  private state: number;

  constructor(seed: number, number = 0) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)) >>> 0;
    for (let i = 0; i < 4; i += 1) this.next();
  }

  /** From 0 up to 1. Mulberry32, by Tommy Ettinger, in the public domain. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A whole number from `first` to `last`. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const ODD_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff];
const ODD_LENGTHS = [0, 1, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];

type Change = (bytes: Buffer, random: Random) => Buffer;

const CHANGES: readonly Change[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[random.below(bytes.length)] = random.pick(ODD_BYTES);
    return bytes;
  },
  function setNumber(bytes, random) {
    if (bytes.length < 4) return bytes;
    const [at, value] = [random.below(bytes.length - 3), random.pick(ODD_LENGTHS)];
    if (random.chance(0.5)) bytes.writeUInt32LE(value, at);
    else bytes.writeUInt32BE(value, at);
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length));
  },
  function cutOut(bytes, random) {
    const [from, length] = [random.below(bytes.length), random.between(1, 64)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)]);
  },
  function repeat(bytes, random) {
    const [from, length] = [random.below(bytes.length), random.between(1, 256)];
    return Buffer.concat([bytes.subarray(0, from + length), bytes.subarray(from)]);
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(random.between(1, 32)), bytes.subarray(at)]);
  },
  function append(bytes, random) {
    return Buffer.concat([bytes, random.bytes(random.between(1, 512))]);
  },
];

/** A copy with one to four changes, most of them near the start, where headers are. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let changed = Buffer.from(bytes);
  for (let count = random.between(1, 4); count > 0 && changed.length > 0; count -= 1) {
    const head = random.chance(0.6) ? Math.min(changed.length, random.pick([32, 256, 2048])) : changed.length;
    const change = random.pick(CHANGES);
    const [part, rest] = [Buffer.from(changed.subarray(0, head)), changed.subarray(head)];
    changed = head < changed.length && change.name === 'cutEnd' ? Buffer.from(part) : Buffer.concat([change(part, random), rest]);
  }
  return changed;
}
