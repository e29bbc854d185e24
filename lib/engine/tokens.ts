/** Token ids of many texts, made without holding up the event loop and packed for the seam. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../errors';
import type { NativeTokenLists } from '../native/types';
import { LONG_TEXT } from '../tokenizer/long-texts';

/** The longest stretch of tokenising before others get a turn. Design: event loop delay p99 < 10 ms. */
const SLICE_MS = 4;

export interface TextEncoder {
  /** Cleaned and uncut token ids, without start and end. */
  encode(text: string): Int32Array;
  /** The same for a text of LONG_TEXT characters and more, in a thread. */
  encodeLong?(text: string, signal?: AbortSignal): Promise<Int32Array>;
}

export async function encodeAll(tokenizer: TextEncoder, texts: readonly string[], signal?: AbortSignal): Promise<Int32Array[]> {
  const lists: Int32Array[] = [];
  let sliceEnd = performance.now() + SLICE_MS;
  for (const text of texts) {
    const inThread = text.length >= LONG_TEXT ? tokenizer.encodeLong?.(text, signal) : undefined;
    lists.push(inThread ? await inThread : tokenizer.encode(text));
    if (performance.now() < sliceEnd) continue;
    await setImmediate();
    throwIfAborted(signal);
    sliceEnd = performance.now() + SLICE_MS;
  }
  return lists;
}

export function packTokens(lists: readonly Int32Array[]): NativeTokenLists {
  const offsets = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) offsets[i + 1] = (offsets[i] as number) + list.length;
  const ids = new Int32Array(offsets.at(-1) as number);
  for (const [i, list] of lists.entries()) ids.set(list, offsets[i] as number);
  return { ids, offsets };
}
