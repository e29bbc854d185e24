/** Tells of a run on stderr while it goes on: a line on a terminal, now and then a line of a log, events for a machine, or little. */
import type { RunProgress, RunSummary } from '../../index';
import { onOneLine } from '../lines';
import { eraseStatus, showLine, showStatus } from '../status';
import { progressLine, progressText } from './progress-line';

const EVENT_MS = 1000;
/** Between plain lines, which a log keeps. */
const LINE_MS = 10_000;
const LINE_COLUMNS = 200;

export type ProgressKind = 'auto' | 'line' | 'json' | 'none';

export class ProgressWatch {
  private next = 0;

  constructor(private readonly kind: ProgressKind) {}

  tell(progress: RunProgress): void {
    if (this.kind === 'none') return;
    if (this.kind === 'json') {
      if (this.isDue(EVENT_MS)) event({ event: 'progress', ...progress });
      return;
    }
    if (this.kind === 'line' && !process.stderr.isTTY) {
      if (this.isDue(LINE_MS)) process.stderr.write(`${onOneLine(progressText(progress, LINE_COLUMNS))}\n`);
      return;
    }
    // A download, and a table that takes long, are told of wherever stderr leads.
    if (progress.stage) showStatus(progress.stage);
    if (process.stderr.isTTY) showLine(progressLine(progress, (process.stderr.columns || 80) - 1));
  }

  private isDue(pause: number): boolean {
    if (performance.now() < this.next) return false;
    this.next = performance.now() + pause;
    return true;
  }

  /** A line for a person. */
  note(text: string): void {
    if (this.kind === 'none' || this.kind === 'json') return;
    eraseStatus();
    console.error(text);
  }

  end(summary: RunSummary | undefined): void {
    eraseStatus();
    if (this.kind === 'json' && summary) event({ event: 'end', ...summary });
  }
}

function event(fields: object): void {
  process.stderr.write(`${JSON.stringify(fields)}\n`);
}
