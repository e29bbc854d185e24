/** Vocabularies and merges as tables in memory that threads share. */
import { placeOf } from '../pipeline/byte-pairs';
import type { MergeTable, TrieTable } from '../pipeline/compiled';

/** Vocabularies of the hub have a quarter of a million tokens, with two million nodes. */
const MOST_NODES = 2 ** 24;
const MOST_MERGES = 2 ** 22;
/** In UTF-16 code units: from each place of a text so many are read. GPT-2's longest has 128. */
export const LONGEST_TOKEN = 1024;

interface Numbers {
  set(values: ArrayLike<number>): void;
}

/** The numbers in memory that threads share. */
export function shared<T extends Numbers>(
  kind: { new (memory: SharedArrayBuffer): T; BYTES_PER_ELEMENT: number },
  values: ArrayLike<number>,
): T {
  const made = new kind(new SharedArrayBuffer(values.length * kind.BYTES_PER_ELEMENT));
  made.set(values);
  return made;
}

/** Level by level, so that the children of a node come to lie side by side. Throws where the strings together are too long. */
export function trieOf(vocabulary: ReadonlyMap<string, number>): TrieTable {
  for (const { length } of vocabulary.keys()) if (length > LONGEST_TOKEN) throw new Error(`it has a token of ${length} characters`);
  const strings = [...vocabulary.keys()].sort();
  const [first, units, ids]: [number[], number[], number[]] = [[], [0], [-1]];
  // By node: the strings that begin with it, of the sorted ones.
  let level: [from: number, to: number][] = [[0, strings.length]];
  for (let depth = 0; level.length > 0; depth += 1) {
    const next: [number, number][] = [];
    for (const [begin, end] of level) {
      const node = first.length;
      let from = begin;
      if ((strings[from] as string | undefined)?.length === depth && from < end) {
        ids[node] = vocabulary.get(strings[from] as string) as number;
        from += 1;
      }
      first.push(units.length);
      while (from < end) {
        const unit = (strings[from] as string).charCodeAt(depth);
        let to = from + 1;
        while (to < end && (strings[to] as string).charCodeAt(depth) === unit) to += 1;
        units.push(unit);
        ids.push(-1);
        next.push([from, to]);
        from = to;
      }
    }
    if (units.length > MOST_NODES) throw new Error('its vocabulary is too large');
    level = next;
  }
  first.push(units.length);
  const roots = new Int32Array(65_536);
  for (let node = 1; node < (first[1] as number); node += 1) roots[units[node] as number] = node;
  return {
    first: shared(Int32Array, first),
    units: shared(Uint16Array, units),
    ids: shared(Int32Array, ids),
    roots: shared(Int32Array, roots),
  };
}

/** Throws where a merge is of tokens that the vocabulary lacks. */
export function mergesOf(pairs: readonly (readonly [left: string, right: string])[], vocabulary: ReadonlyMap<string, number>): MergeTable {
  if (pairs.length > MOST_MERGES) throw new Error('it has too many merges');
  const places = 2 ** Math.ceil(Math.log2(Math.max(2, pairs.length * 1.7)));
  const keys = shared(Float64Array, new Float64Array(places).fill(-1));
  const ranks = shared(Int32Array, new Int32Array(places));
  const merged = shared(Int32Array, new Int32Array(pairs.length));
  const idOf = (token: string): number => {
    const id = vocabulary.get(token);
    if (id === undefined) throw new Error(`its vocabulary lacks the token ${JSON.stringify(token)}`);
    return id;
  };
  for (const [rank, [left, right]] of pairs.entries()) {
    const key = idOf(left) * 2 ** 26 + idOf(right);
    merged[rank] = idOf(left + right);
    let place = placeOf(key, places);
    while (keys[place] !== -1 && keys[place] !== key) place = (place + 1) & (places - 1);
    keys[place] = key;
    ranks[place] = rank;
  }
  return { keys, ranks, merged };
}
