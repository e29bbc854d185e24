/** The most probable way to cut a text into tokens, as `tokenizers`' Unigram finds it: the first of equal ones. */
import { byteTokens } from './bytes';
import type { UnigramModel } from './compiled';
import { childOf, idOf } from './trie';

/** Throws where something is unknown and the model has no token for that. */
export function unigram(model: UnigramModel, text: string): number[] {
  const { vocabulary, scores, unknownScore } = model;
  const size = text.length;
  // By the place where a token ends: the best sum of scores up to there, where its token begins and which one it is, -1 for an unknown one.
  const best = new Float64Array(size + 1);
  const starts = new Int32Array(size + 1).fill(-1);
  const ids = new Int32Array(size + 1);
  for (let start = 0; start < size; ) {
    const here = best[start] as number;
    const length = (text.codePointAt(start) as number) > 0xffff ? 2 : 1;
    let isKnown = false;
    let node = 0;
    for (let end = start; end < size; ) {
      node = childOf(vocabulary, node, text.charCodeAt(end));
      if (node === 0) break;
      end += 1;
      const id = vocabulary.ids[node] as number;
      if (id < 0) continue;
      const score = here + (scores[id] as number);
      if ((starts[end] as number) < 0 || score > (best[end] as number)) {
        best[end] = score;
        starts[end] = start;
        ids[end] = id;
      }
      if (end - start === length) isKnown = true;
    }
    const end = start + length;
    if (!isKnown && ((starts[end] as number) < 0 || here + unknownScore > (best[end] as number))) {
      best[end] = here + unknownScore;
      starts[end] = start;
      ids[end] = -1;
    }
    start = end;
  }
  const reversed: number[] = [];
  for (let end = size; end > 0; ) {
    let start = starts[end] as number;
    let id = ids[end] as number;
    if (isUnknown(model, id)) {
      // Unknown ones side by side are one.
      while (start > 0 && isUnknown(model, ids[start] as number)) start = starts[start] as number;
      const run = text.slice(start, end);
      id = idOf(vocabulary, run);
      if (id < 0) {
        for (const token of unknown(model, run).reverse()) reversed.push(token);
        end = start;
        continue;
      }
    }
    reversed.push(id);
    end = start;
  }
  return reversed.reverse();
}

function isUnknown({ unknownId }: UnigramModel, id: number): boolean {
  return id < 0 || id === unknownId;
}

function unknown({ bytes, unknownId }: UnigramModel, run: string): number[] {
  const tokens = bytes && byteTokens(bytes, run);
  if (tokens) return tokens;
  if (unknownId === null) throw new Error(`it has no token for ${JSON.stringify(run)}`);
  return [unknownId];
}
