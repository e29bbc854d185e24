/**
 * Texts to token ids as the Rust library `tokenizers` gives them, with its normalizers, pre-tokenizers and models. The npm package
 * @huggingface/tokenizers 0.2 is not used: it reads no table of SentencePiece, runs any regular expression that a file has, and builds its
 * vocabulary in the thread that calls it.
 */
import { PhraseCache } from '../phrase-cache';
import { addedTokenSearch, type Part } from './added-tokens';
import { bytePairs, pairMerges } from './byte-pairs';
import type { CompiledTokenizer } from './compiled';
import { normalizing } from './normalizers';
import { preTokenizing, splitBeforeRuns } from './pre-tokenizers';
import { unigram } from './unigram';
import { wordPiece } from './word-piece';

export type { CompiledTokenizer } from './compiled';

const CACHED_WORDS = 65_536;
// Longer ones hardly come twice.
const LONGEST_CACHED = 64;

/** Cuts texts. Special tokens that stand in a text are found, but those left out; none are added. Throws where a text has something that no token is for. */
export function pipeline(
  { normalizer, preTokenizer, added, model, wordStart }: CompiledTokenizer,
  { leftOut = new Set() }: { leftOut?: ReadonlySet<string> } = {},
): (text: string) => number[] {
  const findRaw = addedTokenSearch(added.raw, leftOut);
  const normalize = normalizing(normalizer);
  const findNormalized = addedTokenSearch(added.normalized, leftOut);
  const cut = preTokenizing(preTokenizer);
  const tokensOf = modelOf(model);
  const words = new PhraseCache<number[]>(CACHED_WORDS);

  const encodeWord = (word: string): number[] => {
    const known = words.get(word);
    if (known) return known;
    const ids = tokensOf(word);
    if (word.length <= LONGEST_CACHED) words.set(word, ids);
    return ids;
  };
  const encodePart = (ids: number[], part: Part, isFirst: boolean): void => {
    if ('id' in part) ids.push(part.id);
    else {
      for (const { text } of cut([{ text: part.text, isFirst: isFirst && part.start === 0 }])) {
        for (const word of wordStart === null ? [text] : splitBeforeRuns(text, wordStart)) for (const id of encodeWord(word)) ids.push(id);
      }
    }
  };

  return (text) => {
    const ids: number[] = [];
    for (const raw of findRaw(text)) {
      if ('id' in raw) ids.push(raw.id);
      else for (const part of findNormalized(normalize(raw.text))) encodePart(ids, part, raw.start === 0);
    }
    return ids;
  };
}

function modelOf(model: CompiledTokenizer['model']): (word: string) => number[] {
  switch (model.kind) {
    case 'Unigram':
      return (word) => unigram(model, word);
    case 'WordPiece':
      return (word) => wordPiece(model, word);
    case 'BPE': {
      const merges = pairMerges(model.merges);
      return (word) => bytePairs(model, merges, word);
    }
  }
}
