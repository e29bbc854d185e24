/** The calls of one interrogator: which are admitted, how each ends, and who is told. */
import diagnostics from 'node:diagnostics_channel';
import type { TObject } from '@sinclair/typebox';
import { onAbort } from '../abort';
import { Admission } from '../admission';
import { type CallOptions, callOptions, type ProgressListener } from '../arguments';
import type { Config } from '../config';
import { hasCode, InterrogatorError, throwIfAborted, toInterrogatorError } from '../errors';
import type { NativeBinding, NativeCancelToken } from '../native/types';
import { createProgressReporter } from './progress';

/** One running call, or work that several calls share. */
export interface Call {
  token: NativeCancelToken;
  /** Fires when the caller's signal does, and when the interrogator is disposed. */
  signal: AbortSignal;
  report: ProgressListener;
}

/** A call of the public API, with its options. */
export interface OptionsCall<O extends CallOptions> extends Call {
  options: O;
}

/** What is published on the diagnostics channel `torch-interrogator:call` when a call has ended. */
export interface CallMessage {
  /** The method. */
  call: string;
  outcome: 'done' | 'failed' | 'aborted' | 'refused';
  /** Absent where the call was done. */
  error?: InterrogatorError;
  /** Wall time. */
  seconds: number;
}

const channel = diagnostics.channel('torch-interrogator:call');

export class Calls {
  /** Calls since the beginning, by how they ended. Refused: with ERR_BUSY, at their start. */
  private readonly ended = { done: 0, failed: 0, aborted: 0, refused: 0 };
  private readonly admission: Admission;
  private readonly running = new Set<Promise<unknown>>();
  private readonly ending = new AbortController();

  constructor(
    private readonly config: Config,
    private readonly binding: NativeBinding,
  ) {
    this.admission = new Admission(this.most);
  }

  /** Most calls that are under way at the same time: up to maxBatch can be in one pass, the others wait. */
  get most(): number {
    return this.config.maxBatch + this.config.maxQueue;
  }

  get counts() {
    return { running: this.admission.taken, waiting: this.admission.waiting, ...this.ended };
  }

  /**
   * Runs one call of the public API: options checked, cancellable, counted, its errors this package's. It is admitted whole or refused
   * at once with ERR_BUSY, unless it `waits`; what an admitted call needs of the device is never refused.
   */
  async run<O extends CallOptions, T>(
    name: string,
    given: O,
    schema: () => TObject,
    work: (call: OptionsCall<O>) => Promise<T>,
    { waits = false } = {},
  ): Promise<T> {
    const started = performance.now();
    try {
      const options = callOptions(name, given, schema);
      const { signal, onProgress } = options;
      throwIfAborted(signal);
      this.throwIfDisposed();
      const leave = waits && this.isFull ? await this.endable(signal, (ended) => this.admission.enter(1, ended)) : this.enter();
      try {
        using progress = createProgressReporter(this.config.quiet, onProgress);
        const result = await this.share(signal, progress.report, (call) => work({ ...call, options }));
        this.end(name, started);
        return result;
      } finally {
        leave();
      }
    } catch (error) {
      this.end(name, started, error as InterrogatorError);
      throw error;
    }
  }

  /** As run(), for work that several calls wait for: its progress goes to theirs, and it is never refused. */
  share<T>(signal: AbortSignal | undefined, report: ProgressListener, work: (call: Call) => Promise<T>): Promise<T> {
    const result = this.endable(signal, async (ended) => {
      const token = this.binding.createCancelToken();
      ended.addEventListener('abort', () => token.cancel());
      const answer = await work({ token, signal: ended, report });
      throwIfAborted(signal);
      return answer;
    });
    this.running.add(result);
    const forget = (): boolean => this.running.delete(result);
    result.then(forget, forget);
    return result;
  }

  /** Ends what runs at its next step, and what waits at once: both reject with ERR_DISPOSED. */
  dispose(): void {
    this.ending.abort();
  }

  /** All that ran has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.running]);
  }

  /** Gives `work` a signal that fires with the caller's and at the disposal. Where one of them fired, that is what the work fails with. */
  private async endable<T>(signal: AbortSignal | undefined, work: (ended: AbortSignal) => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    this.throwIfDisposed();
    const controller = new AbortController();
    const end = (): void => controller.abort(signal?.reason);
    const forget = [onAbort(signal, end), onAbort(this.ending.signal, end)];
    try {
      return await work(controller.signal);
    } catch (error) {
      throwIfAborted(signal);
      // What a disposal interrupts fails in many ways.
      this.throwIfDisposed();
      throw toInterrogatorError(error);
    } finally {
      for (const each of forget) each();
    }
  }

  private get isFull(): boolean {
    return this.admission.taken >= this.most || this.admission.waiting > 0;
  }

  private enter(): () => void {
    if (!this.isFull) return this.admission.hold(1);
    const { maxBatch, maxQueue } = this.config;
    const load = `${this.admission.taken} calls are under way, maxBatch (${maxBatch}) and maxQueue (${maxQueue}) of them.`;
    throw new InterrogatorError('ERR_BUSY', load);
  }

  private end(call: string, started: number, error?: InterrogatorError): void {
    const outcome = !error ? 'done' : hasCode(error, 'ERR_ABORTED') ? 'aborted' : hasCode(error, 'ERR_BUSY') ? 'refused' : 'failed';
    this.ended[outcome] += 1;
    if (!channel.hasSubscribers) return;
    const message: CallMessage = { call, outcome, seconds: (performance.now() - started) / 1000 };
    channel.publish(error ? { ...message, error } : message);
  }

  private throwIfDisposed(): void {
    if (!this.ending.signal.aborted) return;
    throw new InterrogatorError('ERR_DISPOSED', 'The interrogator was disposed.', {
      hint: 'Create another one with Interrogator.create().',
    });
  }
}
