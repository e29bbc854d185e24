import { abandonable } from '../abort';
import { throwIfAborted } from '../errors';
import type { ReportProgress } from './progress';

export interface SharedTaskOptions {
  signal?: AbortSignal;
  report?: ReportProgress;
}

type Start<T> = (options: { signal: AbortSignal; report: ReportProgress }) => Promise<T>;

interface Run<T> {
  result: Promise<T>;
  controller: AbortController;
  reports: Set<ReportProgress>;
  waiting: number;
}

/**
 * Work that is done once for all who ask for it. A success is kept, a failure is tried again by the next who asks.
 * One caller's abort ends only its wait; the work itself is aborted once nobody waits for it.
 */
export class SharedTask<T> {
  private run: Run<T> | undefined;

  constructor(private readonly start: Start<T>) {}

  async get({ signal, report }: SharedTaskOptions = {}): Promise<T> {
    throwIfAborted(signal);
    this.run ??= this.begin();
    const run = this.run;
    run.waiting += 1;
    let listen: ReportProgress = () => {};
    // One listener's mistake ends that caller's wait, not the work of all.
    const mistaken = new Promise<never>((_, reject) => {
      listen = (event) => {
        try {
          report?.(event);
        } catch (error) {
          run.reports.delete(listen);
          reject(error);
        }
      };
    });
    run.reports.add(listen);
    try {
      return await Promise.race([abandonable(run.result, signal), mistaken]);
    } finally {
      run.waiting -= 1;
      run.reports.delete(listen);
      if (run.waiting === 0 && signal?.aborted) this.abandon(run, signal.reason);
    }
  }

  private begin(): Run<T> {
    const controller = new AbortController();
    const reports = new Set<ReportProgress>();
    const report: ReportProgress = (event) => {
      for (const each of reports) each(event);
    };
    const run: Run<T> = { controller, reports, waiting: 0, result: this.start({ signal: controller.signal, report }) };
    run.result.catch(() => {
      if (this.run === run) this.run = undefined;
    });
    return run;
  }

  /** Aborting finished work does nothing; unfinished work must not be handed to the next caller. */
  private abandon(run: Run<T>, reason: unknown): void {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    run.result.then(mark, mark);
    queueMicrotask(() => {
      if (settled || run.waiting > 0) return;
      if (this.run === run) this.run = undefined;
      run.controller.abort(reason);
    });
  }
}
