/** Long calls that go on without their client, and what became of them. */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { ProgressEvent } from '../../index';
import { AbortError } from '../../index';
import { problemOf } from '../answers/problem';
import { notFound } from '../answers/refusal';
import { toRefusal } from '../answers/to-refusal';
import type { Job } from '../contract/jobs';

/** Ended ones that can still be looked at. */
const MOST_ENDED = 1000;
const KEPT_MS = 15 * 60_000;
/** Characters of the results of all of them together. */
const MOST_RESULTS = 64 << 20;

type Report = (event: ProgressEvent) => void;

export class RunningJob {
  /** `progress` with the event, `end`. */
  readonly events = new EventEmitter().setMaxListeners(0);
  /** Of its result, as JSON. */
  length = 0;
  private readonly controller = new AbortController();

  constructor(
    readonly job: Job,
    readonly owner: string,
  ) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get hasEnded(): boolean {
    return this.job.state !== 'running';
  }

  cancel(reason: Error): void {
    this.controller.abort(reason);
  }
}

export class Jobs {
  private readonly jobs = new Map<string, RunningJob>();
  private readonly running = new Set<Promise<void>>();

  get count(): number {
    return this.running.size;
  }

  start(kind: string, owner: string, work: (signal: AbortSignal, report: Report) => Promise<unknown>): RunningJob {
    this.forgetOld();
    const id = randomBytes(12).toString('base64url');
    const running = new RunningJob({ id, kind, state: 'running', created: new Date().toISOString() }, owner);
    this.jobs.set(id, running);
    const end = this.run(running, work).finally(() => this.running.delete(end));
    this.running.add(end);
    return running;
  }

  /** Throws 404: a job is its owner's alone. */
  find(id: string, owner: string): RunningJob {
    const job = this.jobs.get(id);
    if (job?.owner === owner) return job;
    throw notFound('There is no such job.', 'Ended jobs are forgotten after a quarter of an hour.');
  }

  of(owner: string): Job[] {
    return [...this.jobs.values()].filter((each) => each.owner === owner).map(({ job }) => job);
  }

  cancelAll(reason: Error): void {
    for (const each of this.jobs.values()) if (!each.hasEnded) each.cancel(reason);
  }

  /** All have ended. */
  async settled(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private async run(running: RunningJob, work: (signal: AbortSignal, report: Report) => Promise<unknown>): Promise<void> {
    const { job, events, signal } = running;
    const report: Report = (event) => {
      job.progress = event;
      events.emit('progress', event);
    };
    try {
      const result = await work(signal, report);
      if (signal.aborted) throw new AbortError(signal.reason);
      running.length = JSON.stringify(result)?.length ?? 0;
      Object.assign(job, { state: 'done', result });
    } catch (error) {
      if (signal.aborted) job.state = 'cancelled';
      else Object.assign(job, { state: 'failed', error: problemOf(toRefusal(error)) });
    }
    job.ended = new Date().toISOString();
    events.emit('end');
    events.removeAllListeners();
    this.forgetOld();
  }

  private forgetOld(): void {
    const before = Date.now() - KEPT_MS;
    const ended = [...this.jobs.values()].filter((each) => each.job.ended !== undefined);
    let characters = ended.reduce((sum, { length }) => sum + length, 0);
    for (const [place, { job, length }] of ended.entries()) {
      const isLast = place === ended.length - 1;
      const isOld = ended.length - place > MOST_ENDED || Date.parse(job.ended as string) < before;
      if (!isOld && (characters <= MOST_RESULTS || isLast)) continue;
      characters -= length;
      this.jobs.delete(job.id);
    }
  }
}
