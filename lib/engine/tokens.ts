/** Token ids of many texts, made without holding up the event loop and packed for the seam. */
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../errors';
import type { NativeTokenLists } from '../native/types';
import { splitsCleanly } from '../tokenizer';
import { isLong } from '../tokenizer/long-texts';

/** The longest stretch of tokenising before others get a turn. Design: event loop delay p99 < 10 ms. */
const SLICE_MS = 4;

export interface TextEncoder {
  /** Cleaned and uncut token ids, without start and end. */
  encode(text: string): Int32Array;
  /** The same for a text that isLong(), in a thread. */
  encodeLong?(text: string, signal?: AbortSignal): Promise<Int32Array>;
  /** splitsCleanly() of a text that isLong(), in a thread. */
  splitsCleanlyLong?(text: string, signal?: AbortSignal): Promise<boolean>;
}

export function encodeAll(tokenizer: TextEncoder, texts: readonly string[], signal?: AbortSignal): Promise<Int32Array[]> {
  return inTurns(texts, signal, (text) => (isLong(text) && tokenizer.encodeLong?.(text, signal)) || tokenizer.encode(text));
}

/** splitsCleanly() of each text. */
export function splitCleanly(tokenizer: TextEncoder, texts: readonly string[], signal?: AbortSignal): Promise<boolean[]> {
  return inTurns(texts, signal, (text) => (isLong(text) && tokenizer.splitsCleanlyLong?.(text, signal)) || splitsCleanly(text));
}

async function inTurns<T>(texts: readonly string[], signal: AbortSignal | undefined, work: (text: string) => T | Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let sliceEnd = performance.now() + SLICE_MS;
  for (const text of texts) {
    done.push(await work(text));
    if (performance.now() < sliceEnd) continue;
    await setImmediate();
    throwIfAborted(signal);
    sliceEnd = performance.now() + SLICE_MS;
  }
  return done;
}

export function packTokens(lists: readonly Int32Array[]): NativeTokenLists {
  const offsets = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) offsets[i + 1] = (offsets[i] as number) + list.length;
  const ids = new Int32Array(offsets.at(-1) as number);
  for (const [i, list] of lists.entries()) ids.set(list, offsets[i] as number);
  return { ids, offsets };
}
