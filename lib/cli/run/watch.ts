/** Tells of a run on stderr while it goes on: a line on a terminal, events for a machine, or little. */
import type { RunProgress, RunSummary } from '../../index';
import { eraseStatus, showLine, showStatus } from '../status';
import { progressLine } from './progress-line';

const EVENT_MS = 1000;

export type ProgressKind = 'auto' | 'line' | 'json' | 'none';

export class ProgressWatch {
  private next = 0;

  constructor(private readonly kind: ProgressKind) {}

  tell(progress: RunProgress): void {
    if (this.kind === 'none') return;
    if (this.kind === 'json') {
      if (performance.now() < this.next) return;
      this.next = performance.now() + EVENT_MS;
      event({ event: 'progress', ...progress });
      return;
    }
    // A download, and a table that takes long, are told of wherever stderr leads.
    if (progress.stage) showStatus(progress.stage);
    if (process.stderr.isTTY) showLine(progressLine(progress, (process.stderr.columns || 80) - 1));
  }

  end(summary: RunSummary | undefined): void {
    eraseStatus();
    if (this.kind === 'json' && summary) event({ event: 'end', ...summary });
  }
}

function event(fields: object): void {
  process.stderr.write(`${JSON.stringify(fields)}\n`);
}
