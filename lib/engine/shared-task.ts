import { abandonable } from '../abort';
import type { ProgressListener } from '../arguments';
import { throwIfAborted } from '../errors';
import type { Call } from './calls';

type Listening = Pick<Call, 'signal' | 'report'>;

interface Waiter {
  report: ProgressListener | undefined;
  fail: (error: unknown) => void;
}

interface Run<T> {
  result: Promise<T>;
  controller: AbortController;
  waiters: Set<Waiter>;
  isDone: boolean;
}

/**
 * Work that is done once for all who ask for it. A success is kept, a failure is tried again by the next who asks.
 * One caller's abort ends only its wait; the work itself is aborted once nobody waits for it.
 */
export class SharedTask<T> {
  private run: Run<T> | undefined;

  constructor(private readonly start: (options: Listening) => Promise<T>) {}

  async get({ signal, report }: Partial<Listening> = {}): Promise<T> {
    throwIfAborted(signal);
    this.run ??= this.begin();
    const run = this.run;
    let waiter!: Waiter;
    const failed = new Promise<never>((_, fail) => {
      waiter = { report, fail };
    });
    run.waiters.add(waiter);
    try {
      return await abandonable(Promise.race([run.result, failed]), signal);
    } finally {
      run.waiters.delete(waiter);
      // Unfinished work that is aborted must not be handed to the next caller.
      if (run.waiters.size === 0 && signal?.aborted && !run.isDone) {
        this.run = undefined;
        run.controller.abort(signal.reason);
      }
    }
  }

  private begin(): Run<T> {
    const controller = new AbortController();
    const waiters = new Set<Waiter>();
    const report: ProgressListener = (event) => {
      for (const waiter of waiters) {
        try {
          waiter.report?.(event);
        } catch (error) {
          // One listener's mistake ends that caller's wait, not the work of all.
          waiters.delete(waiter);
          waiter.fail(error);
        }
      }
    };
    const run: Run<T> = { controller, waiters, isDone: false, result: this.start({ signal: controller.signal, report }) };
    const end = (isKept: boolean) => () => {
      run.isDone = true;
      if (!isKept && this.run === run) this.run = undefined;
    };
    run.result.then(end(true), end(false));
    return run;
  }
}
