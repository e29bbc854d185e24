import type { TrieTable } from './compiled';

/** The node that a unit leads to from a node, or 0, which is the root. */
export function childOf({ first, units, roots }: TrieTable, node: number, unit: number): number {
  if (node === 0) return roots[unit] as number;
  let low = first[node] as number;
  let high = (first[node + 1] as number) - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = units[middle] as number;
    if (found === unit) return middle;
    if (found < unit) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

/** The node of a text from another on, or 0 where no string of the vocabulary begins so. */
export function nodeOf(trie: TrieTable, text: string, from = 0): number {
  let node = from;
  for (let i = 0; i < text.length; i += 1) {
    node = childOf(trie, node, text.charCodeAt(i));
    if (node === 0) return 0;
  }
  return node;
}

/** The id of a string; -1 where the vocabulary lacks it. */
export function idOf(trie: TrieTable, text: string): number {
  const node = nodeOf(trie, text);
  return node === 0 ? -1 : (trie.ids[node] as number);
}
