/** Long texts are cleaned and cut in a thread: a million characters take a second, in which the event loop would stand still. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { abandonable, onAbort } from '../abort';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import type { CleanMode } from './clean';
import type { CompiledTokenizer } from './pipeline';

const LONG_TEXT = 2000;
/** What each byte of a character beyond its first counts: they take up to ten times as long as ASCII, and some become several letters. */
const FURTHER_BYTE = 6;
/** Unicode's normal form takes time by the square of a run of combining marks, which no language has so many of. */
const LONG_RUN = /\p{M}{32}/u;

/** True for a text that may take more than about two milliseconds. */
export function isLong(text: string): boolean {
  if (text.length >= LONG_TEXT) return true;
  return text.length + FURTHER_BYTE * (Buffer.byteLength(text) - text.length) >= LONG_TEXT || LONG_RUN.test(text);
}

/** 200,000 combining marks in a row take so long. */
const LIMIT_MS = 20_000;
/** The thread is kept for so long after its last text. */
const IDLE_MS = 5000;

/** Which tokenizer the thread loads. */
export interface TokenizerSource {
  folder: string;
  /** Without one the folder is a repository's of the hub. */
  file?: string | undefined;
  clean: CleanMode;
  /** The token that becomes 0. */
  stripSepId?: number | undefined;
}

/** With its tables, which threads share. */
export interface CompiledSource extends TokenizerSource {
  compiled: CompiledTokenizer;
}

/** By what is asked about a text. */
export interface LongTextAnswers {
  /** As ClipTokenizer.encode(). */
  encode: Int32Array;
  /** As ClipTokenizer.encodeBehind(). */
  encodeBehind: Int32Array;
  /** As ClipTokenizer.splitsCleanly(). */
  splitsCleanly: boolean;
}

export interface LongTextTask {
  text: string;
  wants: keyof LongTextAnswers;
}

export class LongTexts {
  private worker: Worker | undefined;
  private idle: NodeJS.Timeout | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly source: TokenizerSource | CompiledSource) {}

  /** Rejects with ERR_INVALID_ARGUMENT for a text that takes more than 20 s, ERR_OUT_OF_MEMORY, ERR_TOKENIZER or ERR_ABORTED. */
  ask<K extends keyof LongTextAnswers>(wants: K, text: string, signal?: AbortSignal): Promise<LongTextAnswers[K]> {
    const next = this.last.then(() => this.askNext({ wants, text }, signal));
    this.last = next.catch(() => {});
    return abandonable(next as Promise<LongTextAnswers[K]>, signal);
  }

  private async askNext(task: LongTextTask, signal?: AbortSignal): Promise<unknown> {
    throwIfAborted(signal);
    clearTimeout(this.idle);
    this.worker ??= startWorker(this.source);
    const { worker } = this;
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(tooSlow(task.text)), LIMIT_MS);
    const forget = onAbort(signal, () => end.abort(new AbortError(signal?.reason)));
    worker.ref();
    worker.postMessage(task);
    try {
      const [answer] = await once(worker, 'message', { signal: end.signal });
      worker.unref();
      this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
      return answer;
    } catch (error) {
      this.end();
      throw end.signal.aborted ? end.signal.reason : failed(task.text, error as NodeJS.ErrnoException);
    } finally {
      clearTimeout(timer);
      forget();
    }
  }

  private end(): void {
    void this.worker?.terminate();
    this.worker = undefined;
  }
}

function startWorker(source: TokenizerSource | CompiledSource): Worker {
  const worker = new Worker(require.resolve('./long-text-worker'), {
    name: 'torch-interrogator-text',
    workerData: source,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  // Nobody listens once a text is done.
  return worker.on('error', () => {});
}

function tooSlow({ length }: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `A text of ${length} characters takes more than ${LIMIT_MS / 1000} s to clean.`, {
    hint: 'Shorten it: CLIP reads the first 77 tokens.',
  });
}

function failed({ length }: string, cause: NodeJS.ErrnoException): InterrogatorError {
  const code = cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'ERR_OUT_OF_MEMORY' : 'ERR_TOKENIZER';
  return new InterrogatorError(code, `A text of ${length} characters cannot be cut into tokens: ${cause.message}`, { cause });
}
