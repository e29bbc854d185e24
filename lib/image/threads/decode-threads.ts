/** The threads that read and decode images: started when needed, never keeping the process alive while idle. */
import { type ResourceLimits, type TransferListItem, Worker } from 'node:worker_threads';
import { onAbort } from '../../abort';
import { AbortError, InterrogatorError, throwIfAborted } from '../../errors';
import { restoreSharpSettings, type SharpSettings, sharpSettings } from '../decoders/sharp';
import { DecodeFailure, describeFailure, outOfMemory, type RgbImage } from '../failure';
import { Gate } from './gate';
import { type DecodeMessage, type DecodeReply, type DecodeTask, type OpenReply, type OpenRequest, receive } from './messages';
import type { DecodeJob } from './queue';

/** What objects of JavaScript may take; pixels are not among them. One decoder keeps an object for every 64 samples. */
export const LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 1024 };

/** After so long in which no image was decoded one thread stays. To start one takes 0.1 s and more, of a processor that others want. */
export const REST = { milliseconds: 30_000 };

/** What decoders in JavaScript leave of a larger image stays in memory until their thread ends. */
const MOST_KEPT_PIXELS = 16_000_000;

const threads = new Set<DecodeThread>();
const idle: DecodeThread[] = [];
let rest: NodeJS.Timeout | undefined;
let loadingSharp: Promise<unknown> = Promise.resolve();
let users = 0;

class DecodeThread {
  private readonly worker: Worker;
  private readonly gate = new Gate();
  private readonly exit: Promise<void>;
  private asked: { resolve(reply: DecodeReply): void; reject(error: Error): void } | undefined;
  private hasSharp = false;
  /** Called when a decoder of ours begins. */
  private beforeOwn = (): void => {};
  /** Why it ends. */
  private failure: Error | undefined;

  constructor() {
    // Some decoders print; nothing of it is for our standard output. Reading these streams would keep the process alive.
    this.worker = new Worker(require.resolve('./decode-worker'), {
      name: 'torch-interrogator-decode',
      workerData: { gate: this.gate.state },
      resourceLimits: LIMITS,
      stdout: true,
      stderr: true,
    });
    this.worker.on('message', (message: DecodeMessage) => {
      if (message === 'own') this.beforeOwn();
      else this.asked?.resolve(message);
    });
    this.worker.on('error', (error) => this.failWith(ended(error)));
    this.worker.on('messageerror', (error) => this.end(ended(error)));
    this.exit = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        threads.delete(this);
        this.failWith(ended(new Error(`its thread ended with code ${code}`)));
        this.asked?.reject(this.failure as Error);
        resolve();
      });
    });
    this.worker.unref();
    threads.add(this);
  }

  /** Its answer. Where it ends instead, it has ended when this rejects. */
  async ask<T extends DecodeReply>(task: DecodeTask, transfer: TransferListItem[] = []): Promise<T> {
    this.worker.ref();
    try {
      if (this.failure) {
        await this.exit;
        throw this.failure;
      }
      const reply = await new Promise<DecodeReply>((resolve, reject) => {
        this.asked = { resolve, reject };
        this.worker.postMessage(task, transfer);
      });
      if ('error' in reply) throw receive(reply.error);
      return reply as T;
    } catch (error) {
      throw error instanceof InterrogatorError ? error : ended(error as Error);
    } finally {
      this.asked = undefined;
      this.worker.unref();
    }
  }

  /** Loading it sets what the process shares: that is put right again. One thread after another, so that none takes defaults for settings. */
  async loadSharp(): Promise<void> {
    if (this.hasSharp) return;
    const loading = loadingSharp.then(async () => {
      const before = sharpSettings();
      const { settings } = await this.ask<{ settings: SharpSettings | undefined }>('load sharp');
      restoreSharpSettings(before, settings);
      this.hasSharp = true;
    });
    loadingSharp = loading.catch(() => {});
    await loading;
  }

  /**
   * The pixels of the image that it has opened. Nothing can stop sharp; a decoder of ours ends with the thread, after an abort or so long.
   */
  async decode(signal: AbortSignal | undefined, timeLimitMs: number, endless: Error): Promise<RgbImage> {
    throwIfAborted(signal);
    let timer: NodeJS.Timeout | undefined;
    let leave = (): void => {};
    this.beforeOwn = () => {
      const giveUp = () => this.end(new AbortError(signal?.reason));
      if (signal?.aborted) giveUp();
      leave = onAbort(signal, giveUp);
      timer = setTimeout(() => this.end(endless), timeLimitMs);
    };
    try {
      return await this.ask<RgbImage>('decode');
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  /** Lets go of the image; another one may have the thread, unless `isSpent`. */
  free(isSpent = false): void {
    this.stop();
    if (this.failure) return;
    if (isSpent) return void this.end(closed());
    idle.push(this);
    clearTimeout(rest);
    rest = setTimeout(() => idle.slice(1).map((thread) => thread.end(closed())), REST.milliseconds).unref();
  }

  /** Ends the reading of a file, lets go of an opened image. */
  stop(): void {
    this.worker.postMessage('close' satisfies DecodeTask);
  }

  async end(failure: Error): Promise<void> {
    this.failWith(failure);
    await this.gate.close();
    await this.worker.terminate();
    await this.exit;
  }

  private failWith(failure: Error): void {
    this.failure ??= failure;
    if (idle.includes(this)) idle.splice(idle.indexOf(this), 1);
  }
}

/** An image whose header was read. It has a thread until it is disposed of, once. */
export interface WaitingImage extends DecodeJob {
  /**
   * The pixels; none where they go to a target. Damaged files send some decoders of ours round in circles: after `timeLimitMs`, as after
   * an abort, they are ended. Rejects as the opening does, not before the decoder has stopped.
   */
  decode(timeLimitMs?: number): Promise<RgbImage>;
}

/** Rejects with the errors of `decodeImage`. */
export async function openInThread(request: OpenRequest, signal?: AbortSignal): Promise<WaitingImage> {
  throwIfAborted(signal);
  const { file, name } = request;
  const thread = idle.pop() ?? new DecodeThread();
  const leave = onAbort(signal, () => thread.stop());
  try {
    if (request.usesSharp) await thread.loadSharp();
    throwIfAborted(signal);
    const reply = thread.ask<OpenReply>({ open: request }, typeof file === 'string' ? [] : [file.buffer as ArrayBuffer]);
    const { label, pixels, memory } = await reply;
    return {
      memory,
      // Far more than a sound image takes, also on a busy machine: 10 s, and a second a megapixel.
      decode: (timeLimitMs = 10_000 + pixels / 1000) => {
        const endless = new DecodeFailure('corrupt', `decoding it does not come to an end, not in ${timeLimitMs / 1000} s`);
        return thread.decode(signal, timeLimitMs, describeFailure(endless, name, label));
      },
      [Symbol.dispose]: () => thread.free(!request.usesSharp && pixels > MOST_KEPT_PIXELS),
    };
  } catch (error) {
    thread.free();
    throw signal?.aborted ? new AbortError(signal.reason) : error;
  } finally {
    leave();
  }
}

/** Says that decoders may be needed. The last user who calls what is returned ends the threads. */
export function useDecodeThreads(): () => Promise<void> {
  users += 1;
  let isUser = true;
  return async () => {
    if (isUser) users -= 1;
    isUser = false;
    if (users === 0) await closeDecodeThreads();
  };
}

/** Ends the threads. What they decode rejects with `ERR_DISPOSED`; a later decode starts new ones. */
export async function closeDecodeThreads(): Promise<void> {
  await Promise.all([...threads].map((thread) => thread.end(closed())));
}

function closed(): InterrogatorError {
  return new InterrogatorError('ERR_DISPOSED', 'The image decoders were closed');
}

/** Why a thread has ended. */
function ended(cause: NodeJS.ErrnoException): InterrogatorError {
  if (cause.code === 'ERR_WORKER_OUT_OF_MEMORY') return outOfMemory('the memory of its thread is used up', cause);
  return new InterrogatorError('ERR_RUNTIME', `Decoding an image failed: ${cause.message}`, { cause });
}
