/** Worker threads for decoding: started when needed, never keeping the process alive while idle. */
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { onAbort } from '../../abort';
import { AbortError, InterrogatorError } from '../../errors';
import { DecodeFailure, type RgbImage } from '../failure';
import type { DecodeReply } from './decode-worker';
import type { DecodeRequest } from './request';

export interface WorkerDecodeOptions {
  /** Damaged files send some decoders round in circles: the thread is ended after so long. */
  timeLimitMs: number;
  signal?: AbortSignal | undefined;
  /** Of the thread, where one has to be started. */
  resourceLimits?: ResourceLimits;
}

/** What objects of JavaScript may take; pixels are not among them. One decoder keeps an object for every 64 samples. */
const LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 1024 };

const idle: Worker[] = [];
/** What works, and how to end it. */
const busy = new Map<Worker, (error: Error) => void>();
let users = 0;

/**
 * Decodes in a thread, which takes over the request's bytes. Rejects with a DecodeFailure, `ERR_ABORTED`, `ERR_OUT_OF_MEMORY`,
 * `ERR_RUNTIME` or `ERR_DISPOSED`, not before the decoder has stopped.
 */
export function decodeInWorker(request: DecodeRequest, options: WorkerDecodeOptions): Promise<RgbImage> {
  const { timeLimitMs, signal, resourceLimits = LIMITS } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AbortError(signal.reason));
    const worker = idle.pop() ?? startWorker(resourceLimits);
    const onMessage = ({ image, failure }: DecodeReply): void => {
      settle();
      worker.unref();
      idle.push(worker);
      if (image) resolve(image);
      else reject(failure.kind === 'memory' ? outOfMemory(failure.message) : new DecodeFailure(failure.kind, failure.message));
    };
    const onError = (cause: NodeJS.ErrnoException): void => {
      settle();
      reject(
        cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? outOfMemory('the memory of its thread is used up', cause) : ended(cause.message, cause),
      );
    };
    const onExit = (code: number): void => {
      settle();
      reject(ended(`its thread ended with code ${code}`));
    };
    const end = (error: Error): void => {
      settle();
      worker.terminate().then(() => reject(error), reject);
    };
    const onTimeout = (): void => end(new DecodeFailure('corrupt', `decoding it does not come to an end, not in ${timeLimitMs / 1000} s`));
    const settle = (): void => {
      busy.delete(worker);
      clearTimeout(timer);
      leave();
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    const timer = setTimeout(onTimeout, timeLimitMs);
    const leave = onAbort(signal, () => end(new AbortError(signal?.reason)));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    busy.set(worker, end);
    worker.ref();
    const { bytes } = request;
    const owned = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
    try {
      worker.postMessage({ ...request, bytes: owned } satisfies DecodeRequest, [owned.buffer as ArrayBuffer]);
    } catch (cause) {
      end(ended((cause as Error).message, cause as Error));
    }
  });
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

function startWorker(resourceLimits: ResourceLimits): Worker {
  // Some decoders print; nothing of it is for our standard output. Reading these streams would keep the process alive.
  const worker = new Worker(require.resolve('./decode-worker'), {
    name: 'torch-interrogator-decode',
    resourceLimits,
    stdout: true,
    stderr: true,
  });
  const forget = (): void => {
    const index = idle.indexOf(worker);
    if (index >= 0) idle.splice(index, 1);
  };
  return worker.on('error', forget).on('exit', forget);
}

function outOfMemory(message: string, cause?: Error): InterrogatorError {
  return new InterrogatorError('ERR_OUT_OF_MEMORY', `Decoding an image failed: ${message}`, {
    hint: 'Make the image smaller, or install sharp, which needs less memory.',
    cause,
  });
}

function ended(message: string, cause?: Error): InterrogatorError {
  return new InterrogatorError('ERR_RUNTIME', `Decoding an image failed: ${message}`, { cause });
}
