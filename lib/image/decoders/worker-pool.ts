/** Worker threads for decoding: started when needed, never keeping the process alive while idle. */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { onAbort } from '../../abort';
import { AbortError, InterrogatorError, throwIfAborted } from '../../errors';
import { DecodeFailure, type RgbImage } from '../failure';
import type { DecodeReply } from './decode-worker';
import type { DecodeRequest } from './request';

export interface WorkerDecodeOptions {
  /** Damaged files send some decoders round in circles: the thread is ended after so long. */
  timeLimitMs: number;
  signal?: AbortSignal | undefined;
}

/** What objects of JavaScript may take; pixels are not among them. One decoder keeps an object for every 64 samples. */
export const LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 1024 };

const idle: Worker[] = [];
/** What works, and how to end it. */
const busy = new Map<Worker, (error: Error) => void>();
let users = 0;

/**
 * Decodes in a thread, which takes over the request's bytes. Rejects with a DecodeFailure, `ERR_ABORTED`, `ERR_OUT_OF_MEMORY`,
 * `ERR_RUNTIME` or `ERR_DISPOSED`, not before the decoder has stopped.
 */
export async function decodeInWorker(request: DecodeRequest, { timeLimitMs, signal }: WorkerDecodeOptions): Promise<RgbImage> {
  throwIfAborted(signal);
  const { image, failure } = await ask(request, idle.pop() ?? startWorker(), timeLimitMs, signal);
  if (image) return image;
  throw failure.kind === 'memory' ? outOfMemory(failure.message) : new DecodeFailure(failure.kind, failure.message);
}

/** The worker's reply. Where none comes, the worker has ended when this rejects. */
async function ask(request: DecodeRequest, worker: Worker, timeLimitMs: number, signal: AbortSignal | undefined): Promise<DecodeReply> {
  let timer: NodeJS.Timeout | undefined;
  let leave = (): void => {};
  worker.ref();
  try {
    return await new Promise<DecodeReply>((resolve, reject) => {
      busy.set(worker, reject);
      leave = onAbort(signal, () => reject(new AbortError(signal?.reason)));
      timer = setTimeout(() => reject(endless(timeLimitMs)), timeLimitMs);
      // Free from here on: who closes the threads, or decodes next, finds it so.
      worker.once('message', (reply) => {
        busy.delete(worker);
        worker.unref();
        idle.push(worker);
        resolve(reply);
      });
      const { bytes } = request;
      const owned = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
      worker.postMessage({ ...request, bytes: owned } satisfies DecodeRequest, [owned.buffer as ArrayBuffer]);
    });
  } catch (cause) {
    worker.removeAllListeners('message');
    await worker.terminate();
    busy.delete(worker);
    throw cause instanceof InterrogatorError || cause instanceof DecodeFailure ? cause : ended(cause as Error);
  } finally {
    clearTimeout(timer);
    leave();
  }
}

/** Says that decoders may be needed. The last user who calls what is returned ends the threads. */
export function useDecodeWorkers(): () => Promise<void> {
  users += 1;
  let isUser = true;
  return async () => {
    if (isUser) users -= 1;
    isUser = false;
    if (users === 0) await closeDecodeWorkers();
  };
}

/** Ends the threads. What they decode rejects with `ERR_DISPOSED`; a later decode starts new ones. */
export async function closeDecodeWorkers(): Promise<void> {
  const disposed = new InterrogatorError('ERR_DISPOSED', 'The image decoders were closed');
  const working = [...busy];
  for (const [, end] of working) end(disposed);
  await Promise.all([...working.map(([worker]) => worker), ...idle.splice(0)].map((worker) => worker.terminate()));
}

function startWorker(): Worker {
  // Some decoders print; nothing of it is for our standard output. Reading these streams would keep the process alive.
  const worker = new Worker(require.resolve('./decode-worker'), {
    name: 'torch-interrogator-decode',
    resourceLimits: LIMITS,
    stdout: true,
    stderr: true,
  });
  const forget = (failure: Error): void => {
    const index = idle.indexOf(worker);
    if (index >= 0) idle.splice(index, 1);
    busy.get(worker)?.(failure);
  };
  return worker.on('error', forget).on('exit', (code) => forget(new Error(`its thread ended with code ${code}`)));
}

function outOfMemory(message: string, cause?: Error): InterrogatorError {
  return new InterrogatorError('ERR_OUT_OF_MEMORY', `Decoding an image failed: ${message}`, {
    hint: 'Make the image smaller, or install sharp, which needs less memory.',
    cause,
  });
}

function endless(timeLimitMs: number): DecodeFailure {
  return new DecodeFailure('corrupt', `decoding it does not come to an end, not in ${timeLimitMs / 1000} s`);
}

/** Why a thread has ended. */
function ended(cause: NodeJS.ErrnoException): InterrogatorError {
  if (cause.code === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory('the memory of its thread is used up', cause);
  return new InterrogatorError('ERR_RUNTIME', `Decoding an image failed: ${cause.message}`, { cause });
}
