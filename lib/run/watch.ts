/** Tells of a run while it goes on: its caller, and whoever looks at its state folder. */
import { hostname } from 'node:os';
import { machine } from '../files/lock';
import type { RunState, RunStatus } from './ledger/state';
import type { RunOptions } from './options';
import type { Tally } from './tally';

const PROGRESS_MS = 100;
const STATUS_MS = 2000;

/** How a run is, or how it ended. */
export type Ending = Pick<RunStatus, 'state' | 'error'>;

export class Watch {
  private readonly timers: NodeJS.Timeout[] = [];
  /** One after the other: they write the same file. */
  private telling: Promise<void> = Promise.resolve();

  constructor(
    private readonly tally: Tally,
    private readonly state: RunState | undefined,
    private readonly onProgress: RunOptions['onProgress'],
    /** Told what `onProgress` throws. */
    fail: (error: unknown) => void,
  ) {
    const report = (): void => {
      try {
        onProgress?.(tally.progress);
      } catch (error) {
        fail(error);
      }
    };
    if (onProgress) this.timers.push(setInterval(report, PROGRESS_MS).unref());
    if (!state) return;
    void this.tell({ state: 'running' });
    this.timers.push(setInterval(() => void this.tell({ state: 'running' }), STATUS_MS).unref());
  }

  async end(ending: Ending): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await this.tell(ending);
    this.onProgress?.(this.tally.progress);
  }

  private tell(how: Ending): Promise<void> {
    const status = { ...this.tally.progress, pid: process.pid, host: hostname(), machine: machine(), at: new Date().toISOString(), ...how };
    this.telling = this.telling.then(() => this.state?.tell(status));
    return this.telling;
  }
}
