/** How far a long call is: events for the program, bars for a person at a terminal. */
import { isMainThread } from 'node:worker_threads';
import type { MultiBar, SingleBar } from 'cli-progress';
import type { ProgressEvent, ProgressListener } from '../arguments';

/**
 * One call's reporter, whose disposal takes its part off the terminal. Bars only where they were not silenced and stderr is a terminal of
 * the main thread's; events only where somebody listens.
 */
export function createProgressReporter(quiet: boolean, listener: ProgressListener | undefined): Disposable & { report: ProgressListener } {
  const stages = quiet || !process.stderr.isTTY || !isMainThread ? undefined : new Map<string, ProgressEvent>();
  if (stages) shown.add(stages);
  return {
    report: (event) => {
      // A stage of one step would only flicker.
      if (stages && event.total > 1) {
        stages.set(event.stage, event);
        show(event.stage);
      }
      listener?.(event);
    },
    [Symbol.dispose]: () => {
      if (!stages) return;
      shown.delete(stages);
      if (shown.size > 0) {
        for (const stage of stages.keys()) show(stage);
        return;
      }
      terminal?.stop();
      terminal = undefined;
      bars.clear();
    },
  };
}

/** What each call that is under way has told of its stages. All calls share one bar a stage, which shows their sum. */
const shown = new Set<Map<string, ProgressEvent>>();
const bars = new Map<string, SingleBar>();
let terminal: MultiBar | undefined;

function show(stage: string): void {
  const events = [...shown].flatMap((stages) => stages.get(stage) ?? []);
  const [done, total] = events.reduce(([done, total], event) => [done + event.done, total + event.total], [0, 0]);
  terminal ??= openTerminal();
  const told = { stage, amount: amountOf(stage, done, total) };
  const bar = bars.get(stage) ?? terminal.create(total, done, told);
  bars.set(stage, bar);
  bar.setTotal(total);
  bar.update(done, told);
}

/** Downloads and copies are counted in bytes. */
function amountOf(stage: string, done: number, total: number): string {
  return /^(download|copy)\b/.test(stage) ? `${Math.round(done / 1e6)}/${Math.round(total / 1e6)} MB` : `${done}/${total}`;
}

function openTerminal(): MultiBar {
  const { MultiBar, Presets } = require('cli-progress') as typeof import('cli-progress');
  return new MultiBar(
    {
      stream: process.stderr,
      format: '{stage} [{bar}] {amount} {eta_formatted}',
      hideCursor: false,
      clearOnComplete: true,
      // Callers hear of an abort by Ctrl-C through their own handlers; a bar has no say in it.
      gracefulExit: false,
    },
    Presets.shades_grey,
  );
}
