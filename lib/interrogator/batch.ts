/** Many images at once, in order, without reading ahead of what is taken. */

import { abandonable, onAbort } from '../abort';
import { invalid, isA, read, show } from '../arguments';
import { hasCode, InterrogatorError, throwIfAborted, toInterrogatorError } from '../errors';
import type { ImageInput } from '../image';
import type { BatchOptions, Description, Mode } from './options';

export interface BatchSuccess extends Description {
  image: ImageInput;
  /** The image's place in the input, from 0. */
  index: number;
  mode: Mode;
  error?: undefined;
}

/** What only a success has is absent here: said so that a result can be taken apart before it is known which of the two it is. */
export interface BatchFailure extends Partial<Record<'mode' | keyof Description, undefined>> {
  image: ImageInput;
  index: number;
  error: InterrogatorError;
}

export type BatchResult = BatchSuccess | BatchFailure;

type Describe = (image: ImageInput, signal: AbortSignal) => Promise<Description>;
type Source = Iterator<ImageInput> | AsyncIterator<ImageInput>;

/** A turn of the loop: the first image's result is there, or the source gave one more image. */
type Turn = { kind: 'result'; result: BatchResult } | { kind: 'image'; next: IteratorResult<ImageInput> };

export async function* describeAll(
  images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
  { mode = 'best', concurrency = 8, signal }: BatchOptions,
  describe: Describe,
): AsyncGenerator<BatchResult, void, undefined> {
  throwIfAborted(signal);
  const source = sourceOf(images);
  const stop = new AbortController();
  const leave = onAbort(signal, () => stop.abort(signal?.reason));
  const running: Promise<Turn>[] = [];
  let pulling: Promise<Turn> | undefined;
  let exhausted = false;
  let index = 0;
  try {
    while (!exhausted || running.length > 0) {
      if (!exhausted && running.length < concurrency) pulling ??= pull(source);
      // The device is kept busy first: where both are there, the next image goes before the result.
      const turn = await abandonable(Promise.race([pulling, running[0]].filter((each) => each !== undefined)), signal);
      throwIfAborted(signal);
      if (turn.kind === 'image') {
        pulling = undefined;
        if (turn.next.done) exhausted = true;
        else running.push(work(turn.next.value, index++, mode, describe, stop.signal));
      } else {
        void running.shift();
        // Every later image would fail alike.
        if (turn.result.error && hasCode(turn.result.error, 'ERR_DISPOSED')) throw turn.result.error;
        yield turn.result;
      }
    }
  } finally {
    leave();
    stop.abort(new Error('The batch was left'));
    await Promise.allSettled(running);
    pulling?.catch(() => {});
    if (!exhausted) await close(source, pulling !== undefined);
  }
}

function sourceOf(images: Iterable<ImageInput> | AsyncIterable<ImageInput>): Source {
  const source = read('images', 'ERR_INVALID_ARGUMENT', () => {
    // A path and encoded bytes can be iterated too, and are one image.
    if (typeof images !== 'object' || images === null || ArrayBuffer.isView(images)) return undefined;
    if (Symbol.asyncIterator in images) return images[Symbol.asyncIterator]();
    return Symbol.iterator in images ? images[Symbol.iterator]() : undefined;
  });
  if (source) return source;
  throw invalid('images: expected an array or another iterable of images.', 'Put a single image into an array.');
}

/** A source that still owes an image may never give it: it is told to end, and not waited for. */
async function close(source: Source, owes: boolean): Promise<void> {
  const closed = ofSource(async () => source.return?.());
  if (owes) closed.catch(() => {});
  else await closed;
}

async function pull(source: Source): Promise<Turn> {
  return ofSource(async () => {
    const { done = false, value } = await source.next();
    return { kind: 'image', next: { done, value } as IteratorResult<ImageInput> };
  });
}

/** What the source fails with, as this package's error. */
async function ofSource<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (isA(cause, InterrogatorError)) throw cause;
    const reason = isA(cause, Error) ? cause.message : show(cause);
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `images: the source failed: ${reason}`, { cause });
  }
}

async function work(image: ImageInput, index: number, mode: Mode, describe: Describe, signal: AbortSignal): Promise<Turn> {
  try {
    return { kind: 'result', result: { image, index, mode, ...(await describe(image, signal)) } };
  } catch (error) {
    return { kind: 'result', result: { image, index, error: toInterrogatorError(error) } };
  }
}
