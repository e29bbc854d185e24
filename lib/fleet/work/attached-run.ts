/** A run that a worker takes part in: BullMQ's queue of it, jobs taken one by one, and their locks. */
import type { Worker } from 'bullmq';
import type { Fleet } from '../redis/connect';
import { duplicatesOf } from '../redis/duplicates';
import { within } from '../redis/within';
import { openRunQueue, type RunJob, type RunQueue } from '../runs/queue';
import type { RunSpec } from '../runs/spec';
import type { Outcome } from './jobs/outcome';

export interface AttachedOptions {
  fleet: Fleet;
  spec: RunSpec;
  /** Of the worker. */
  id: string;
  lockSeconds: number;
  /** Told what BullMQ complains of. */
  onFault(error: Error): void;
  /** The lock of a job has run out: another worker has it. Told once. */
  onLost(job: string): void;
}

/** A job, and what shows that it is ours. */
export interface TakenJob {
  job: RunJob;
  token: string;
}

const CLOSING_MS = 2000;
const GONE_MS = 200;

export class AttachedRun {
  readonly spec: RunSpec;
  readonly queue: RunQueue;
  /** Those of the same models have the same. */
  readonly models: string;
  /** Its tenant has had enough for now: until then nothing is taken. */
  restsUntil = 0;
  /** When it last gave a job, or was asked for the first time. */
  gaveAt = performance.now();
  private readonly worker: Worker;
  private readonly connection;
  private readonly duplicates;
  /** Tokens by the ids of jobs. */
  private readonly held = new Map<string, string>();
  /** Of these Redis is told what became of them: it may have let go of their locks already. */
  private readonly settling = new Set<string>();
  /** Of these another worker has the lock. */
  private readonly lost = new Set<string>();
  private readonly renewing: NodeJS.Timeout;
  private taken = 0;

  constructor(private readonly options: AttachedOptions) {
    const { fleet, spec, id: name, lockSeconds, onFault } = options;
    const { Worker } = require('bullmq') as typeof import('bullmq');
    this.spec = spec;
    this.models = JSON.stringify(spec.config);
    this.queue = openRunQueue(fleet, spec.id);
    this.connection = fleet.connection();
    this.duplicates = duplicatesOf(this.connection);
    const lock = { lockDuration: lockSeconds * 1000, stalledInterval: lockSeconds * 500 };
    // How often a shard may be lost is ours to bound: who died of which picture is known.
    const worker = {
      connection: this.connection,
      prefix: fleet.prefix,
      name,
      autorun: false,
      maxStalledCount: 1_000_000,
      runRetryDelay: 1000,
      ...lock,
    };
    this.worker = new Worker(`run-${spec.id}`, null, worker);
    this.worker.on('error', onFault);
    void this.worker.startStalledCheckTimer();
    this.renewing = setInterval(() => void this.renew(), lockSeconds * 400);
  }

  get underway(): number {
    return this.held.size;
  }

  /** A shard or the merge, if one waits. Nothing of a run that is paused, or that has as many under way as it may. */
  async take(): Promise<TakenJob | undefined> {
    const token = `${this.options.id}:${this.taken++}`;
    const job = (await this.worker.getNextJob(token, { block: false })) as RunJob | undefined;
    if (!job?.id) return undefined;
    this.held.set(job.id, token);
    this.gaveAt = performance.now();
    return { job, token };
  }

  /** Tells Redis what became of a job. Rejects where its lock was lost: somebody else has it by now. */
  async settle({ job, token }: TakenJob, outcome: Outcome): Promise<void> {
    this.settling.add(token);
    try {
      if (outcome.kind === 'done') await job.moveToCompleted(outcome.result, token, false);
      else if (outcome.kind === 'back') await job.moveToWait(token);
      else await job.moveToDelayed(Date.now() + outcome.after, token);
    } finally {
      this.settling.delete(token);
      this.lost.delete(token);
      if (this.held.get(job.id as string) === token) this.held.delete(job.id as string);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.renewing);
    const wait = this.options.fleet.redis.status === 'ready' ? CLOSING_MS : GONE_MS;
    await within(this.worker.close(true), wait);
    await within(this.queue.close(), wait);
    for (const each of [this.connection, ...this.duplicates]) each.disconnect();
  }

  private async renew(): Promise<void> {
    const held = new Map([...this.held].filter(([, token]) => !this.lost.has(token)));
    if (held.size === 0) return;
    const { lockSeconds, onFault, onLost } = this.options;
    const lost = await this.worker.extendJobLocks([...held.keys()], [...held.values()], lockSeconds * 1000).catch((error: Error) => {
      onFault(error);
      return [];
    });
    for (const id of lost) {
      const token = held.get(id) as string;
      if (this.held.get(id) !== token || this.settling.has(token)) continue;
      this.lost.add(token);
      onLost(id);
    }
  }
}
