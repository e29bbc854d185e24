/** Byte-pair encoding of words, as open_clip's tokenizer does it, in time that hardly grows faster than a word does. */

export interface BytePairModel {
  vocabulary: ReadonlyMap<string, number>;
  /** Pairs of tokens, the first to be merged first. */
  merges: readonly (readonly [left: string, right: string])[];
  /** What the last character of a word has behind it. */
  suffix: string;
}

/** Which neighbours become one token. */
export interface PairMerges {
  /** The place of the pair's merge in their order, the first to be merged first; -1 where the two stay apart. */
  rankOf(left: number, right: number): number;
  /** The token that the two become. */
  mergedOf(rank: number): number;
}

// Ids, ranks and places are well below, so that two of them make a whole number that a double holds.
const BASE = 2 ** 26;

export class BytePairEncoding {
  private readonly ids: ReadonlyMap<string, number>;
  private readonly ranks = new Map<number, number>();
  private readonly merges: PairMerges;
  private readonly suffix: string;

  /** Throws where a merge is of tokens that the vocabulary lacks. */
  constructor({ vocabulary, merges, suffix }: BytePairModel) {
    this.ids = vocabulary;
    this.suffix = suffix;
    const merged = new Int32Array(merges.length);
    for (const [rank, [left, right]] of merges.entries()) {
      this.ranks.set(this.id(left) * BASE + this.id(right), rank);
      merged[rank] = this.id(left + right);
    }
    this.merges = {
      rankOf: (left, right) => this.ranks.get(left * BASE + right) ?? -1,
      mergedOf: (rank) => merged[rank] as number,
    };
  }

  /** The ids of a word of at least one character, each of them a token. Throws where one is not. */
  encode(word: string): number[] {
    const characters = Array.from(word);
    characters[characters.length - 1] += this.suffix;
    return mergeNeighbours(
      Int32Array.from(characters, (character) => this.id(character)),
      this.merges,
    );
  }

  private id(token: string): number {
    const id = this.ids.get(token);
    if (id === undefined) throw new Error(`its vocabulary lacks the token ${JSON.stringify(token)}`);
    return id;
  }
}

/** What is left of a word's tokens when no neighbours merge any more. Writes to `ids`. */
export function mergeNeighbours(ids: Int32Array, merges: PairMerges): number[] {
  const end = ids.length;
  // Neighbours by place. A place whose token was merged into the one before it has the id -1.
  const next = Int32Array.from(ids, (_, place) => place + 1);
  const previous = Int32Array.from(ids, (_, place) => place - 1);
  const rankAt = (place: number): number => {
    const after = next[place] as number;
    return ids[place] === -1 || after >= end ? -1 : merges.rankOf(ids[place] as number, ids[after] as number);
  };
  const queue = new MinimumQueue();
  const offer = (place: number): void => {
    const rank = rankAt(place);
    // The lowest rank first, of equal ones the first in the word.
    if (rank !== -1) queue.push(rank * BASE + place);
  };
  for (let place = 0; place < end - 1; place += 1) offer(place);
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const place = key % BASE;
    const rank = Math.floor(key / BASE);
    // One of the two that were offered may have been merged with another meanwhile.
    if (rankAt(place) !== rank) continue;
    const after = next[place] as number;
    ids[place] = merges.mergedOf(rank);
    ids[after] = -1;
    next[place] = next[after] as number;
    if ((next[place] as number) < end) previous[next[place] as number] = place;
    offer(place);
    if (place > 0) offer(previous[place] as number);
  }
  return Array.from(ids).filter((id) => id !== -1);
}

/** A binary heap. */
class MinimumQueue {
  private readonly heap: number[] = [];

  push(key: number): void {
    const { heap } = this;
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if ((heap[parent] as number) <= key) break;
      heap[place] = heap[parent] as number;
      place = parent;
    }
    heap[place] = key;
  }

  pop(): number | undefined {
    const { heap } = this;
    const least = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return least;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
      if (child >= heap.length || (heap[child] as number) >= last) break;
      heap[place] = heap[child] as number;
      place = child;
    }
    heap[place] = last;
    return least;
  }
}
