/** A few worker threads for decoding: started when first needed, never keeping the process alive while idle. */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { AbortError, InterrogatorError } from '../errors';
import type { DecodeReply, DecodeRequest } from './decode-worker';
import { DecodeFailure, type RgbImage } from './failure';
import type { FormatName } from './formats';

const MOST_WORKERS = Math.min(2, availableParallelism());

export interface WorkerDecodeOptions {
  /** Damaged files send some decoders round in circles: the thread is ended after so long. */
  timeLimitMs: number;
  signal?: AbortSignal;
}

interface Job {
  format: FormatName;
  bytes: Buffer;
  timeLimitMs: number;
  resolve(image: RgbImage): void;
  reject(error: Error): void;
}

interface Slot {
  worker: Worker;
  job: Job | undefined;
  timer?: NodeJS.Timeout;
}

const waiting: Job[] = [];
const slots = new Set<Slot>();

/** Rejects with a DecodeFailure, or with `ERR_ABORTED`; the thread that decodes is ended then. */
export function decodeInWorker(format: FormatName, bytes: Buffer, { timeLimitMs, signal }: WorkerDecodeOptions): Promise<RgbImage> {
  if (signal?.aborted) return Promise.reject(new AbortError(signal.reason));
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      const index = waiting.indexOf(job);
      if (index >= 0) waiting.splice(index, 1);
      const slot = [...slots].find((each) => each.job === job);
      if (slot) endSlot(slot);
      job.reject(new AbortError(signal?.reason));
    };
    const settle = () => signal?.removeEventListener('abort', onAbort);
    const job: Job = {
      format,
      bytes,
      timeLimitMs,
      resolve: (image) => {
        settle();
        resolve(image);
      },
      reject: (error) => {
        settle();
        reject(error);
      },
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    waiting.push(job);
    startNext();
  });
}

/** Ends the threads. Jobs that run or wait reject with `ERR_DISPOSED`; a later decode starts new threads. */
export async function closeDecodeWorkers(): Promise<void> {
  const closing = [...slots];
  slots.clear();
  const disposed = () => new InterrogatorError('ERR_DISPOSED', 'The image decoders were closed');
  for (const job of waiting.splice(0)) job.reject(disposed());
  await Promise.all(
    closing.map(async ({ worker, job, timer }) => {
      clearTimeout(timer);
      job?.reject(disposed());
      await worker.terminate();
    }),
  );
}

function startNext(): void {
  while (waiting.length > 0) {
    let slot = [...slots].find(({ job }) => job === undefined);
    if (!slot && slots.size < MOST_WORKERS) slot = openSlot();
    if (!slot) return;
    const job = waiting.shift() as Job;
    slot.job = job;
    slot.worker.ref();
    slot.timer = setTimeout(giveUp, job.timeLimitMs, slot, job);
    // A copy: the caller's memory is not ours to hand over, nor safe from being written to.
    const bytes = new Uint8Array(job.bytes);
    slot.worker.postMessage({ format: job.format, bytes } satisfies DecodeRequest, [bytes.buffer]);
  }
}

function giveUp(slot: Slot, job: Job): void {
  endSlot(slot);
  job.reject(new DecodeFailure('corrupt', `decoding it does not come to an end, not in ${job.timeLimitMs / 1000} s`));
}

/** Its job is the caller's to settle. */
function endSlot(slot: Slot): void {
  clearTimeout(slot.timer);
  slots.delete(slot);
  slot.job = undefined;
  void slot.worker.terminate();
  startNext();
}

function openSlot(): Slot {
  const slot: Slot = { worker: startWorker(), job: undefined };
  const finish = (settle: (job: Job) => void) => {
    const { job } = slot;
    clearTimeout(slot.timer);
    slot.job = undefined;
    slot.worker.unref();
    if (job) settle(job);
  };
  slot.worker.unref();
  slot.worker.on('message', ({ image, failure }: DecodeReply) => {
    finish((job) => {
      if (image) job.resolve(image);
      else job.reject(new DecodeFailure(failure?.kind ?? 'corrupt', failure?.message ?? 'no reply'));
    });
    startNext();
  });
  const fail = (cause: Error) => {
    slots.delete(slot);
    const isMemory = (cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    finish((job) =>
      job.reject(
        new InterrogatorError(isMemory ? 'ERR_OUT_OF_MEMORY' : 'ERR_RUNTIME', `Decoding an image failed: ${cause.message}`, {
          hint: 'Install sharp, which needs less memory, or make the image smaller.',
          cause,
        }),
      ),
    );
    startNext();
  };
  slot.worker.on('error', fail);
  slot.worker.on('exit', (code) => {
    if (slots.has(slot)) fail(new Error(`the decoder thread ended with code ${code}`));
  });
  slots.add(slot);
  return slot;
}

function startWorker(): Worker {
  const options: WorkerOptions = { name: 'torch-interrogator-decode' };
  if (!__filename.endsWith('.ts')) return new Worker(path.join(__dirname, 'decode-worker.js'), options);
  // From source, as the tests run: the thread compiles TypeScript itself, as jest does out here.
  const bootstrap = `
    const { transformFileSync } = require('@swc/core');
    require.extensions['.ts'] = (module, file) =>
      module._compile(transformFileSync(file, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }).code, file);
    require(${JSON.stringify(path.join(__dirname, 'decode-worker.ts'))});`;
  return new Worker(bootstrap, { ...options, eval: true });
}
