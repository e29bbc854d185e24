/** Long texts are cleaned and cut in a thread: a million characters take a second, in which the event loop would stand still. */
import { Worker } from 'node:worker_threads';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import type { CleanMode } from './clean';

/** Characters from which on a text counts as long. Less is done in about a millisecond. */
export const LONG_TEXT = 2000;
/** Unicode's normal form alone takes time by the square of a run of combining marks. */
const LIMIT_MS = 20_000;
/** The thread is kept for so long after its last text. */
const IDLE_MS = 5000;

/** Which tokenizer the thread loads. */
export interface TokenizerSource {
  folder: string;
  file?: string;
  clean: CleanMode;
}

/** What the thread answers to a text. */
export type LongTextReply = { ids: Int32Array; message?: undefined } | { ids?: undefined; message: string };

export class LongTexts {
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly source: TokenizerSource) {}

  /** As ClipTokenizer.encode(). Rejects with ERR_INVALID_ARGUMENT for a text that takes more than 20 s, ERR_OUT_OF_MEMORY or ERR_ABORTED. */
  encode(text: string, signal?: AbortSignal): Promise<Int32Array> {
    const next = this.last.then(() => this.encodeNext(text, signal));
    this.last = next.catch(() => {});
    return next;
  }

  private encodeNext(text: string, signal: AbortSignal | undefined): Promise<Int32Array> {
    throwIfAborted(signal);
    clearTimeout(this.idle);
    this.worker ??= startWorker(this.source);
    const worker = this.worker;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        worker.off('message', onMessage).off('error', onError);
      };
      const end = (error: Error): void => {
        settle();
        this.worker = undefined;
        void worker.terminate();
        reject(error);
      };
      const onAbort = (): void => end(new AbortError(signal?.reason));
      const onError = (cause: Error): void =>
        end(
          new InterrogatorError('ERR_OUT_OF_MEMORY', `A text of ${text.length} characters cannot be cut into tokens: ${cause.message}`, {
            cause,
          }),
        );
      const onMessage = ({ ids, message }: LongTextReply): void => {
        settle();
        worker.unref();
        this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
        if (ids) resolve(ids);
        else reject(new InterrogatorError('ERR_TOKENIZER', message));
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
      signal?.addEventListener('abort', onAbort, { once: true });
      worker.on('message', onMessage).on('error', onError);
      worker.ref();
      worker.postMessage(text);
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
