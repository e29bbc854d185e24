/** How far a long call is: events for the program, bars for a person at a terminal. */
import type { MultiBar, SingleBar } from 'cli-progress';
import type { ProgressEvent, ProgressListener } from '../arguments';

/** @internal */
export type ReportProgress = (event: ProgressEvent) => void;

/** One call's reporter. `finish` takes the bars off the terminal; call it however the call ends. */
export interface ProgressReporter {
  report: ReportProgress;
  finish(): void;
}

/** Bars only where they were not silenced and stderr is a terminal; events only where somebody listens. */
export function createProgressReporter(quiet: boolean, listener: ProgressListener | undefined): ProgressReporter {
  const bars = quiet || !process.stderr.isTTY ? undefined : new ProgressBars();
  return {
    report: (event) => {
      bars?.show(event);
      listener?.(event);
    },
    finish: () => bars?.stop(),
  };
}

class ProgressBars {
  private multi: MultiBar | undefined;
  private readonly bars = new Map<string, SingleBar>();

  show({ stage, done, total }: ProgressEvent): void {
    // A stage of one step would only flicker.
    if (total <= 1) return;
    let bar = this.bars.get(stage);
    if (!bar) {
      const { MultiBar, Presets } = require('cli-progress') as typeof import('cli-progress');
      this.multi ??= new MultiBar(
        {
          stream: process.stderr,
          format: '{stage} [{bar}] {value}/{total} {eta_formatted}',
          hideCursor: false,
          clearOnComplete: true,
          // Callers hear of an abort by Ctrl-C through their own handlers; a bar has no say in it.
          gracefulExit: false,
        },
        Presets.shades_grey,
      );
      bar = this.multi.create(total, done, { stage });
      this.bars.set(stage, bar);
    }
    bar.setTotal(total);
    bar.update(done, { stage });
  }

  stop(): void {
    this.multi?.stop();
  }
}
