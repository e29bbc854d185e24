/** Counts a run's pictures as they come to their end. */
import type { ProgressEvent } from '../api';
import type { FailureGroup, RunProgress } from './progress';
import type { RowError } from './row';

/** What became of one picture. */
export type Outcome = 'done' | 'kept' | 'failed' | 'skipped';

/** The rate is of so long. */
const RATE_MS = 30_000;
const EXAMPLES = 10;

export class Tally {
  private readonly counts: Record<Outcome, number> = { done: 0, kept: 0, failed: 0, skipped: 0 };
  /** When each picture of the last seconds was done. */
  private readonly times: number[] = [];
  private readonly groups = new Map<string, FailureGroup & { count: number; examples: { name: string; error: RowError }[] }>();
  private readonly began = performance.now();
  total: number | null = null;
  devices: readonly string[] = [];
  stage: ProgressEvent | undefined;
  encoded = 0;

  count(outcome: Outcome): void {
    this.counts[outcome] += 1;
    if (outcome !== 'done') return;
    this.times.push(performance.now());
    this.forgetOld();
  }

  private forgetOld(): void {
    const since = performance.now() - RATE_MS;
    while ((this.times[0] ?? since) < since) this.times.shift();
  }

  fail(name: string, error: RowError): void {
    const kind = `${error.code}\n${error.hint ?? ''}`;
    const group = this.groups.get(kind) ?? {
      code: error.code,
      ...(error.hint !== undefined && { hint: error.hint }),
      count: 0,
      examples: [],
    };
    this.groups.set(kind, group);
    group.count += 1;
    if (group.examples.length < EXAMPLES) group.examples.push({ name, error });
  }

  get failures(): FailureGroup[] {
    return [...this.groups.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
  }

  get progress(): RunProgress {
    const now = performance.now();
    this.forgetOld();
    const [first = now] = this.times;
    const span = Math.max(now - Math.max(this.began, Math.min(first, now - 1000)), 1);
    const rate = this.times.length > 1 ? (this.times.length * 1000) / span : 0;
    const { done, kept, failed, skipped } = this.counts;
    const left = this.total === null ? null : Math.max(0, this.total - done - kept - failed - skipped);
    return {
      total: this.total,
      ...this.counts,
      encoded: this.encoded,
      rate,
      secondsLeft: left === 0 ? 0 : left !== null && rate > 0 ? left / rate : null,
      seconds: (now - this.began) / 1000,
      devices: this.devices,
      ...(this.stage && { stage: this.stage }),
    };
  }
}
