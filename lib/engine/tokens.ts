/** Token ids of many texts, made without holding up the event loop and packed for the seam. */
import type { NativeTokenLists } from '../native/types';
import { type ClipTokenizer, splitsCleanly } from '../tokenizer';
import { isLong, type LongTexts } from '../tokenizer/long-texts';
import { inTurns } from './turns';

type TextEncoder = Pick<ClipTokenizer, 'encode'> & { longTexts: Pick<LongTexts, 'ask'> };

/** Each text's token ids, cleaned and uncut, without start and end. Long texts are cut in a thread. */
export function encodeAll(tokenizer: TextEncoder, texts: readonly string[], signal?: AbortSignal): Promise<Int32Array[]> {
  return inTurns(texts, signal, (text) => (isLong(text) ? tokenizer.longTexts.ask('encode', text, signal) : tokenizer.encode(text)));
}

/** splitsCleanly() of each text. */
export function splitCleanly(tokenizer: TextEncoder, texts: readonly string[], signal?: AbortSignal): Promise<boolean[]> {
  return inTurns(texts, signal, (text) => (isLong(text) ? tokenizer.longTexts.ask('splitsCleanly', text, signal) : splitsCleanly(text)));
}

export function packTokens(lists: readonly Int32Array[]): NativeTokenLists {
  const offsets = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) offsets[i + 1] = (offsets[i] as number) + list.length;
  const ids = new Int32Array(offsets.at(-1) as number);
  for (const [i, list] of lists.entries()) ids.set(list, offsets[i] as number);
  return { ids, offsets };
}
