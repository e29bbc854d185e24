/** How a text is cut into words before these are cut into tokens: the pre-tokenizers of `tokenizers`, by their names there. */
import { BERT_PUNCTUATION } from './bert-characters';
import { byteLevel } from './bytes';
import type { PreTokenizer, SplitBehavior } from './compiled';
import { checkGrowth } from './growth';

export interface Word {
  text: string;
  /** Nothing of the text is before it. */
  isFirst: boolean;
}

export type Cut = (words: Word[]) => Word[];

/** The function throws where the steps make a text longer than those of any real tokenizer do. */
export function preTokenizing(preTokenizer: PreTokenizer | null): Cut {
  const cuts = cutsOf(preTokenizer);
  return (words) => {
    let done = words;
    for (const cut of cuts) {
      done = cut(done);
      checkGrowth(lengthOf(done), lengthOf(words));
    }
    return done;
  };
}

function lengthOf(words: readonly Word[]): number {
  return words.reduce((sum, { text }) => sum + text.length, 0);
}

/** Sequences within sequences become one: growth counts from the text that came first. */
function cutsOf(preTokenizer: PreTokenizer | null): Cut[] {
  if (preTokenizer === null) return [];
  return preTokenizer.type === 'Sequence' ? preTokenizer.pretokenizers.flatMap(cutsOf) : [cutOf(preTokenizer)];
}

function cutOf(preTokenizer: Exclude<PreTokenizer, { type: 'Sequence' }>): Cut {
  switch (preTokenizer.type) {
    case 'Metaspace':
      return metaspace(preTokenizer);
    case 'ByteLevel':
      return eachWord(({ text }) => {
        const whole = preTokenizer.prependsBlank && !text.startsWith(' ') ? ` ${text}` : text;
        return preTokenizer.splits ? (whole.match(GPT2_WORD) ?? []).map(byteLevel) : [byteLevel(whole)];
      });
    case 'WhitespaceSplit':
      return eachWord(({ text }) => text.split(/\p{White_Space}+/u));
    case 'BertPreTokenizer':
      return eachWord(({ text }) => text.split(/\p{White_Space}+/u).flatMap((word) => splitAt(word, BERT_PUNCTUATION, 'Isolated')));
    case 'Split': {
      const { pattern, behavior, inverted } = preTokenizer;
      return eachWord(({ text }) => splitAt(text, pattern, behavior, inverted));
    }
  }
}

/** GPT-2's words. */
const GPT2_WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

function metaspace({ replacement, prepends, splits }: Extract<PreTokenizer, { type: 'Metaspace' }>): Cut {
  return eachWord(({ text, isFirst }) => {
    let whole = text.replaceAll(' ', replacement);
    const isPrepended = prepends === 'always' || (prepends === 'first' && isFirst);
    if (isPrepended && !whole.startsWith(replacement)) whole = replacement + whole;
    return splits ? splitBefore(whole, replacement) : [whole];
  });
}

/** Parts of which each but the first begins with the character. */
function splitBefore(text: string, character: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let next = text.indexOf(character, 1); next >= 0; next = text.indexOf(character, next + 1)) {
    parts.push(text.slice(start, next));
    start = next;
  }
  parts.push(text.slice(start));
  return parts;
}

/** Parts that each begin with a run of the character, but perhaps the first. */
export function splitBeforeRuns(text: string, character: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let next = text.indexOf(character, 1); next >= 0; next = text.indexOf(character, next + 1)) {
    if (text[next - 1] === character) continue;
    parts.push(text.slice(start, next));
    start = next;
  }
  parts.push(text.slice(start));
  return parts;
}

/** What becomes of what the pattern finds in a text, and of what is between. */
function splitAt(text: string, pattern: RegExp, behavior: SplitBehavior, inverted = false): string[] {
  const parts: { text: string; isMatch: boolean }[] = [];
  let end = 0;
  for (const { index, 0: match } of text.matchAll(pattern)) {
    if (match === '') continue;
    if (index > end) parts.push({ text: text.slice(end, index), isMatch: inverted });
    parts.push({ text: match, isMatch: !inverted });
    end = index + match.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isMatch: inverted });
  const words: string[] = [];
  let isOpen = false;
  for (const [i, part] of parts.entries()) {
    if (behavior === 'Removed') {
      if (!part.isMatch) words.push(part.text);
      continue;
    }
    const before = parts[i - 1];
    const joins =
      (behavior === 'MergedWithPrevious' && part.isMatch && before !== undefined && !before.isMatch) ||
      (behavior === 'MergedWithNext' && !part.isMatch && isOpen) ||
      (behavior === 'Contiguous' && before?.isMatch === part.isMatch);
    isOpen = part.isMatch;
    if (joins) words[words.length - 1] += part.text;
    else words.push(part.text);
  }
  return words;
}

function eachWord(cut: (word: Word) => string[]): Cut {
  return (words) =>
    words.flatMap((word) =>
      cut(word)
        .map((text, i) => ({ text, isFirst: word.isFirst && i === 0 }))
        .filter(({ text }) => text !== ''),
    );
}
