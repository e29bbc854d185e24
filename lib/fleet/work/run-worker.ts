/** A worker's part in all runs of the fleet: it takes shards of those that it may work on, one long-lived process a device. */
import path from 'node:path';
import type { Worker } from 'bullmq';
import { pause } from '../../abort';
import { hasCode } from '../../errors';
import { type ConfigInput, cacheFolder, type InterrogatorError, type ProgressListener } from '../../index';
import type { Fleet } from '../redis/connect';
import { openRunQueue, type RunJob, type RunQueue } from '../runs/queue';
import { type RunRecord, RunRecords } from '../runs/records';
import { PACKAGE_VERSION, type RunSpec } from '../runs/spec';
import type { WorkerEvent } from './events';
import { Interrogators, type Lender } from './interrogators';
import { JobWork, type ShardMaker } from './job-work';

export interface RunWorkerOptions {
  fleet: Fleet;
  /** Unique among the workers of the fleet. */
  id: string;
  /** Of this machine: device, threads, where label embeddings are kept. */
  config: ConfigInput;
  /** Shards at the same time: while the last pictures of one are under way, the next one begins. Default 2. */
  shards?: number;
  /** Seconds without a word after which a worker counts as dead, and its shards go to others. Default 30. */
  lockSeconds?: number;
  /** Where shards are worked on. Default: in the cache folder. */
  folder?: string;
  /** Single requests are under way, which go first. */
  isBusy?(): boolean;
  onProgress?: ProgressListener;
  /** Models of this process that runs may use. */
  lender?: Lender;
  /** @internal Instead of the models: for simulations. */
  makeShard?: ShardMaker;
  log(event: WorkerEvent): void;
}

/** A run that this worker takes part in. */
interface Attached {
  spec: RunSpec;
  queue: RunQueue;
  worker: Worker;
  isHeldBack: boolean;
}

/** Also without a word from Redis it looks at the runs. */
const LOOK_MS = 5000;
/** However many words there are, it looks not more often: each one is for all workers of the fleet. */
const LEAST_LOOK_MS = 500;

export class RunWorker {
  private readonly records: RunRecords;
  private readonly interrogators: Interrogators;
  private readonly attached = new Map<string, Attached>();
  /** Runs that this worker takes no part in. */
  private readonly refused = new Set<string>();
  private readonly ending = new AbortController();
  /** Jobs under way, by run. */
  private readonly work: JobWork;
  private looking: Promise<void> = Promise.resolve();
  private last = '$';

  constructor(private readonly options: RunWorkerOptions) {
    const { fleet, config, onProgress = () => {}, lender } = options;
    this.records = new RunRecords(fleet);
    this.interrogators = new Interrogators(config, onProgress, lender);
    this.work = new JobWork({
      fleet,
      id: options.id,
      records: this.records,
      interrogators: this.interrogators,
      folder: options.folder ?? path.join(cacheFolder(), 'fleet'),
      isBusy: options.isBusy ?? (() => false),
      log: options.log,
      makeShard: options.makeShard,
    });
  }

  /** Pictures done since the start, and shards under way. */
  get stats(): { pictures: number; failed: number; shards: number } {
    return this.work.stats;
  }

  start(): void {
    this.looking = this.look().catch((error) => {
      if (!this.ending.signal.aborted) throw error;
    });
  }

  /** Takes no more shards. Those under way come to their end within so many milliseconds, or are given back. */
  async close(graceMs: number): Promise<void> {
    this.ending.abort();
    await this.looking.catch(() => {});
    const closing = Promise.all([...this.attached.values()].map(({ worker }) => worker.close()));
    await within(closing, graceMs);
    this.work.giveUp();
    await within(closing, CLOSING_MS);
    for (const { queue } of this.attached.values()) await queue.close();
    await this.interrogators.close();
  }

  /** Whenever a run changes, and now and then. */
  private async look(): Promise<void> {
    const { fleet } = this.options;
    const { signal } = this.ending;
    const listener = fleet.connection();
    signal.addEventListener('abort', () => listener.disconnect(), { once: true });
    while (!signal.aborted) {
      try {
        const looked = performance.now();
        await this.compare();
        const found = await listener.xread('BLOCK', LOOK_MS, 'STREAMS', fleet.key('changes'), this.last);
        const entries = found?.[0]?.[1] ?? [];
        this.last = entries.at(-1)?.[0] ?? this.last;
        await pause(Math.max(0, looked + LEAST_LOOK_MS * (0.75 + Math.random() / 2) - performance.now()), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.options.log({ event: 'failed', run: '', message: (error as Error).message });
        await pause(1000, signal).catch(() => {});
      }
    }
  }

  /** What is open with what this worker takes part in. */
  private async compare(): Promise<void> {
    const open = new Set(await this.records.open());
    for (const id of this.attached.keys()) if (!open.has(id)) await this.leave(id);
    for (const id of this.refused) if (!open.has(id)) this.refused.delete(id);
    for (const id of open) {
      if (this.attached.has(id)) continue;
      const record = await this.records.read(id).catch((error: InterrogatorError) => {
        if (hasCode(error, 'ERR_RUN_NOT_FOUND')) return undefined;
        throw error;
      });
      if (!record) continue;
      // Reopened: whoever did it may have mended the cause.
      if (record.refusals[this.options.id] !== undefined && this.refused.has(id)) continue;
      this.refused.delete(id);
      await this.consider(record);
    }
    await this.holdBack();
  }

  private async consider({ spec }: RunRecord): Promise<void> {
    if (spec.version === PACKAGE_VERSION) return this.attach(spec);
    const reason = `It has version ${PACKAGE_VERSION} of the package; the run was submitted with ${spec.version}.`;
    await this.refuse(spec.id, reason);
  }

  private attach(spec: RunSpec): void {
    const { fleet, shards = 2, lockSeconds = 30, id: name, log } = this.options;
    const { Worker } = require('bullmq') as typeof import('bullmq');
    const queue = openRunQueue(fleet, spec.id);
    const take = (job: RunJob, token?: string, signal?: AbortSignal): Promise<unknown> =>
      this.work.take(spec, queue, job, token ?? '', signal, (reason) => this.refuse(spec.id, reason));
    const worker: Worker = new Worker(`run-${spec.id}`, take as never, {
      connection: fleet.redis,
      prefix: fleet.prefix,
      name,
      concurrency: shards,
      lockDuration: lockSeconds * 1000,
      stalledInterval: lockSeconds * 500,
      // How often is ours to bound: who died of which picture is known.
      maxStalledCount: 1_000_000,
      drainDelay: 5,
    });
    worker.on('error', (error) => log({ event: 'lost lock', run: spec.id, message: error.message }));
    worker.on('completed', (job) => {
      if ((job as RunJob).name === 'merge') void this.merged(spec.id, queue).catch(() => {});
    });
    this.attached.set(spec.id, { spec, queue, worker, isHeldBack: false });
    log({ event: 'run', run: spec.id, message: spec.title });
  }

  /** Of a run that has ended well nobody asks for the queue any more. */
  private async merged(id: string, queue: RunQueue): Promise<void> {
    const { state, summary } = await this.records.read(id);
    if (state === 'ended' && summary?.failed === 0) await queue.obliterate({ force: true });
    await this.compare();
  }

  private async refuse(id: string, reason: string): Promise<void> {
    this.refused.add(id);
    await this.records.refuse(id, this.options.id, reason);
    this.options.log({ event: 'refused', run: id, message: reason });
    // Not from within its own job: it would wait for itself.
    setImmediate(() => void this.leave(id).catch(() => {}));
  }

  /** Its shards under way are given back; of a run that was cancelled nobody takes them. */
  private async leave(id: string): Promise<void> {
    const attached = this.attached.get(id);
    if (!attached) return;
    this.attached.delete(id);
    this.work.giveUp(id);
    await attached.worker.close();
    await attached.queue.close();
    if (!this.refused.has(id)) await this.work.forget(id);
    this.options.log({ event: 'left', run: id });
  }

  /** While a run of a lower number has shards that wait, others take none. */
  private async holdBack(): Promise<void> {
    let leading = Number.POSITIVE_INFINITY;
    const priorities = new Set([...this.attached.values()].map(({ spec }) => spec.priority));
    if (priorities.size < 2 && ![...this.attached.values()].some(({ isHeldBack }) => isHeldBack)) return;
    for (const { spec, queue } of this.attached.values()) {
      if (spec.priority >= leading || (await queue.isPaused())) continue;
      const { waiting = 0, prioritized = 0 } = await queue.getJobCounts('waiting', 'prioritized');
      if (waiting + prioritized > 0) leading = spec.priority;
    }
    for (const attached of this.attached.values()) {
      const isBehind = attached.spec.priority > leading;
      if (isBehind === attached.isHeldBack) continue;
      attached.isHeldBack = isBehind;
      if (isBehind) await attached.worker.pause(true);
      else await attached.worker.resume();
    }
  }
}

/** No timer is left of it. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([work, pause(milliseconds, over.signal).catch(() => {})]);
  over.abort();
}

/** For what was given back to be told to Redis, where it can be reached. */
const CLOSING_MS = 5000;
