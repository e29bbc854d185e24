/** Byte-pair encoding as `tokenizers`' BPE does it. */
import { mergeNeighbours, type PairMerges } from '../byte-pair-encoding';
import { byteTokens } from './bytes';
import type { BpeModel, MergeTable } from './compiled';
import { idOf } from './trie';

/** The table's places are found by this, of a pair's key. */
export function placeOf(key: number, places: number): number {
  // Both halves of the key count: neighbours in the vocabulary are not neighbours here.
  const mixed = Math.imul((key % 2 ** 26) ^ Math.imul(key / 2 ** 26, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) & (places - 1);
}

export function pairMerges({ keys, ranks, merged }: MergeTable): PairMerges {
  return {
    rankOf: (left, right) => {
      const key = left * 2 ** 26 + right;
      for (let place = placeOf(key, keys.length); ; place = (place + 1) & (keys.length - 1)) {
        const found = keys[place] as number;
        if (found === key) return ranks[place] as number;
        if (found === -1) return -1;
      }
    },
    mergedOf: (rank) => merged[rank] as number,
  };
}

export function bytePairs(model: BpeModel, merges: PairMerges, word: string): number[] {
  const { vocabulary, unknownId, fusesUnknown, bytes } = model;
  if (model.ignoresMerges) {
    const whole = idOf(vocabulary, word);
    if (whole >= 0) return [whole];
  }
  const ids: number[] = [];
  let isFusing = false;
  for (const character of word) {
    const id = idOf(vocabulary, character);
    const tokens = id >= 0 ? [id] : bytes ? byteTokens(bytes, character) : undefined;
    if (tokens) for (const token of tokens) ids.push(token);
    else if (unknownId !== null && !isFusing) ids.push(unknownId);
    isFusing = !tokens && fusesUnknown;
  }
  return ids.length < 2 ? ids : mergeNeighbours(Int32Array.from(ids), merges);
}
