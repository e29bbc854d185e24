import { setImmediate as nextTurn } from 'node:timers/promises';
import { abandonable } from '../../abort';
import { AbortError, InterrogatorError } from '../../errors';
import { copyOf, viewOf } from './memory';
import type { Reading } from './read-ahead';

/** What is read of a stream, a response, a Blob or a `data:` URL at the most: 256 MiB. */
export const MOST_BYTES = 256 << 20;
const MOST_PARTS = 1 << 18;
const PARTS_PER_TURN = 64;
/** Copying so many takes less than 1 ms. */
export const BYTES_PER_TURN = 1 << 20;

/** What iterates over bytes: web and Node.js streams do, and generators. */
export type ByteStream = AsyncIterable<Uint8Array>;

/**
 * Everything that a stream gives. Rejects with `ERR_IMAGE_SIZE` beyond `MOST_BYTES`, `ERR_IO` where the stream fails,
 * `ERR_INVALID_ARGUMENT` where it gives anything but bytes, and `ERR_ABORTED`, also while the stream does not move.
 */
export async function readStream(name: string, stream: ByteStream, signal: AbortSignal | undefined, reading: Reading): Promise<Buffer> {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  let isDone = false;
  try {
    iterator = iterate(stream);
    const parts: Buffer[] = [];
    let length = 0;
    let turn = BYTES_PER_TURN;
    for (;;) {
      const { done, value } = await abandonable(Promise.resolve(iterator.next()), signal);
      if (done) break;
      // A copy: the stream may fill the same memory again.
      const view = viewOf(value);
      if (!view) throw new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${name} does not give bytes`, { hint: NO_TEXT });
      for (const part of slicesOf(view)) {
        length += part.length;
        if (length > MOST_BYTES || parts.length === MOST_PARTS) throw tooLarge(name);
        parts.push(copyOf(part));
        await reading.take(part.length);
        // A stream that has everything ready would leave the event loop no turn.
        if (length < turn && parts.length % PARTS_PER_TURN > 0) continue;
        turn = length + BYTES_PER_TURN;
        await nextTurn();
      }
    }
    isDone = true;
    return await joined(parts);
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    if (signal?.aborted) throw new AbortError(signal.reason);
    throw new InterrogatorError('ERR_IO', `Cannot read ${name}: ${(cause as Error)?.message ?? String(cause)}`, { cause });
  } finally {
    if (!isDone) giveUp(stream, iterator);
  }
}

/** A Blob gives itself in one part. */
function* slicesOf(view: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at === 0 || at < view.length; at += BYTES_PER_TURN) yield view.subarray(at, at + BYTES_PER_TURN);
}

/** One after the other in memory of their own, a slice at a time. Empties the list, so that each part can be freed. */
async function joined(parts: Buffer[]): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  let turn = BYTES_PER_TURN;
  parts.reverse();
  for (let part = parts.pop(); part; part = parts.pop()) {
    whole.set(part, at);
    at += part.length;
    if (at < turn) continue;
    turn = at + BYTES_PER_TURN;
    await nextTurn();
  }
  return whole;
}

const NO_TEXT = 'Give a stream of Uint8Arrays, without setEncoding() and not in object mode.';

/** A web stream through a reader, which can be cancelled while it waits. */
function iterate(stream: ByteStream): AsyncIterator<Uint8Array> {
  if (!('getReader' in stream)) return stream[Symbol.asyncIterator]();
  const reader = (stream as unknown as ReadableStream<Uint8Array>).getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
    return: async () => ({ done: true, value: await reader.cancel() }),
  };
}

/** Ends a stream that may be waiting for its next part, without waiting for that. */
function giveUp(stream: ByteStream, iterator: AsyncIterator<Uint8Array> | undefined): void {
  (async () => {
    const { destroy } = stream as { destroy?: () => void };
    if (typeof destroy === 'function') destroy.call(stream);
    else await iterator?.return?.();
  })().catch(() => {});
}

export function tooLarge(name: string): InterrogatorError {
  return new InterrogatorError('ERR_IMAGE_SIZE', `${name} is longer than ${MOST_BYTES >> 20} MiB, or never ends`, {
    hint: 'Save it as a file and give its path.',
  });
}
