/** Long texts are cleaned and cut in a thread: a million characters take a second, in which the event loop would stand still. */
import { Worker } from 'node:worker_threads';
import { abandonable, onAbort } from '../abort';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import type { CleanMode } from './clean';

const LONG_TEXT = 2000;
/** Unicode's normal form takes time by the square of a run of combining marks, which no language has so many of. */
const LONG_RUN = /\p{M}{32}/u;

/** True for a text that may take more than about two milliseconds. */
export function isLong(text: string): boolean {
  return text.length >= LONG_TEXT || LONG_RUN.test(text);
}

/** 200,000 combining marks in a row take so long. */
const LIMIT_MS = 20_000;
/** The thread is kept for so long after its last text. */
const IDLE_MS = 5000;

/** Which tokenizer the thread loads. */
export interface TokenizerSource {
  folder: string;
  file?: string;
  clean: CleanMode;
}

/** What the thread is asked about a text. */
export interface LongTextTask {
  text: string;
  wants: keyof LongTextAnswers;
}

/** By what was asked for. */
export interface LongTextAnswers {
  encode: Int32Array;
  splitsCleanly: boolean;
}

export type LongTextReply = { answer: LongTextAnswers[keyof LongTextAnswers] } | { message: string };

export class LongTexts {
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly source: TokenizerSource) {}

  /** As ClipTokenizer.encode(). Rejects with ERR_INVALID_ARGUMENT for a text that takes more than 20 s, ERR_OUT_OF_MEMORY or ERR_ABORTED. */
  encode(text: string, signal?: AbortSignal): Promise<Int32Array> {
    return this.ask('encode', text, signal);
  }

  /** As splitsCleanly(). Rejects as encode() does. */
  splitsCleanly(text: string, signal?: AbortSignal): Promise<boolean> {
    return this.ask('splitsCleanly', text, signal);
  }

  private ask<K extends keyof LongTextAnswers>(wants: K, text: string, signal?: AbortSignal): Promise<LongTextAnswers[K]> {
    const next = this.last.then(() => this.askNext(wants, text, signal));
    this.last = next.catch(() => {});
    return abandonable(next, signal);
  }

  private askNext<K extends keyof LongTextAnswers>(wants: K, text: string, signal?: AbortSignal): Promise<LongTextAnswers[K]> {
    throwIfAborted(signal);
    clearTimeout(this.idle);
    this.worker ??= startWorker(this.source);
    const worker = this.worker;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        forget();
        worker.off('message', onMessage).off('error', onError);
      };
      const end = (error: Error): void => {
        settle();
        this.worker = undefined;
        void worker.terminate();
        reject(error);
      };
      const onError = (cause: Error): void =>
        end(
          new InterrogatorError('ERR_OUT_OF_MEMORY', `A text of ${text.length} characters cannot be cut into tokens: ${cause.message}`, {
            cause,
          }),
        );
      const onMessage = (reply: LongTextReply): void => {
        settle();
        worker.unref();
        this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
        if ('answer' in reply) resolve(reply.answer as LongTextAnswers[K]);
        else reject(new InterrogatorError('ERR_TOKENIZER', reply.message));
      };
      const onTimeout = (): void =>
        end(
          new InterrogatorError(
            'ERR_INVALID_ARGUMENT',
            `A text of ${text.length} characters takes more than ${LIMIT_MS / 1000} s to clean.`,
            {
              hint: 'Shorten it: CLIP reads the first 77 tokens.',
            },
          ),
        );
      const timer = setTimeout(onTimeout, LIMIT_MS);
      const forget = onAbort(signal, () => end(new AbortError(signal?.reason)));
      worker.on('message', onMessage).on('error', onError);
      worker.ref();
      worker.postMessage({ text, wants } satisfies LongTextTask);
    });
  }

  private end(): void {
    void this.worker?.terminate();
    this.worker = undefined;
  }
}

function startWorker(source: TokenizerSource): Worker {
  const worker = new Worker(require.resolve('./long-text-worker'), {
    name: 'torch-interrogator-text',
    workerData: source,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  // Nobody listens once a text is done.
  return worker.on('error', () => {});
}
