import type { WordPieceModel } from './compiled';
import { childOf, nodeOf } from './trie';

/** The longest token that a word begins with, and so on; a word that does not come out is unknown as a whole. As BERT. */
export function wordPiece({ vocabulary, prefix, unknownId, longestWord }: WordPieceModel, word: string): number[] {
  if (word.length > longestWord && Array.from(word).length > longestWord) return [unknownId];
  const ids: number[] = [];
  for (let start = 0; start < word.length; ) {
    let node = start === 0 ? 0 : nodeOf(vocabulary, prefix);
    if (start > 0 && node === 0 && prefix !== '') return [unknownId];
    let [id, next] = [-1, start];
    for (let end = start; end < word.length; ) {
      node = childOf(vocabulary, node, word.charCodeAt(end));
      if (node === 0) break;
      end += 1;
      const found = vocabulary.ids[node] as number;
      if (found >= 0) [id, next] = [found, end];
    }
    if (id < 0) return [unknownId];
    ids.push(id);
    start = next;
  }
  return ids;
}
