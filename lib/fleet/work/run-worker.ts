/** A worker's part in all runs of the fleet: it takes shards of those that it may work on, one long-lived process a device. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { pause } from '../../abort';
import { type ConfigInput, cacheFolder, type ProgressListener } from '../../index';
import type { Fleet } from '../redis/connect';
import { within } from '../redis/within';
import { forgetOldRuns } from '../runs/expiry';
import { addMerge, removeQueue } from '../runs/queue';
import { RunRecords } from '../runs/records';
import type { ShardData } from '../runs/shard-data';
import { PACKAGE_VERSION, type RunSpec } from '../runs/spec';
import { AttachedRun } from './attached-run';
import { Changes } from './changes';
import type { WorkerEvent } from './events';
import { Interrogators, type Lender } from './interrogators';
import { JobWork } from './jobs/job-work';
import type { ShardMaker } from './jobs/taken';
import { Stores } from './stores';
import { takeTurn } from './tenant-limit';

export interface RunWorkerOptions {
  fleet: Fleet;
  /** Unique among the workers of the fleet. */
  id: string;
  /** Of this machine: device, threads, where label embeddings are kept. */
  config: ConfigInput;
  /** Shards at the same time, of all runs together: while the last pictures of one are under way, the next one begins. Default 2. */
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

/** Without a word of a change it looks at the runs so often. */
const LOOK_MS = 5000;
/** Where nothing waits it asks again after so long, and each time later, up to the second. */
const IDLE_MS = [500, 4000] as const;
/** Runs that are asked for shards: others have their turn when these have none. Each costs a connection. */
const MOST_ATTACHED = 8;
const CLOSING_MS = 5000;
/** How often it is looked for runs that ended long ago. */
const FORGET_MS = 3600_000;
/** To end where there is no Redis to tell it to. */
const GONE_MS = 500;

interface Underway {
  run: string;
  /** Fires where the job is to be given back. */
  ending: AbortController;
  done: Promise<void>;
}

export class RunWorker {
  private readonly records: RunRecords;
  private readonly interrogators: Interrogators;
  private readonly stores = new Stores();
  private readonly work: JobWork;
  private readonly changes: Changes;
  /** In the order in which they are asked for work. */
  private attached: AttachedRun[] = [];
  /** Runs that this worker takes no part in. */
  private readonly refused = new Set<string>();
  private readonly underway = new Set<Underway>();
  private readonly ending = new AbortController();
  private working: Promise<void> = Promise.resolve();
  private wake = (): void => {};
  private lookedAt = Number.NEGATIVE_INFINITY;
  private forgotAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RunWorkerOptions) {
    const { fleet, config, onProgress = () => {}, lender, id, isBusy = () => false, log, makeShard } = options;
    this.records = new RunRecords(fleet);
    this.interrogators = new Interrogators(config, onProgress, lender);
    const folder = options.folder ?? path.join(cacheFolder(), 'fleet');
    const { records, interrogators, stores } = this;
    this.work = new JobWork({ id, records, interrogators, stores, folder, isBusy, log, makeShard });
    this.changes = new Changes(fleet, () => {
      this.lookedAt = Number.NEGATIVE_INFINITY;
      this.wake();
    });
  }

  /** Pictures done since the start, and shards under way. */
  get stats(): { pictures: number; failed: number; shards: number } {
    return { ...this.work.stats, shards: this.underway.size };
  }

  start(): void {
    this.changes.start();
    this.working = this.takeWork();
  }

  /** Takes no more shards. Those under way come to their end within so many milliseconds, or are given back. */
  async close(graceMs: number): Promise<void> {
    this.ending.abort();
    this.wake();
    this.changes.close();
    const ended = (): Promise<unknown> => Promise.all([...this.underway].map(({ done }) => done));
    await within(ended(), graceMs);
    this.giveUp();
    // Without Redis it may wait for an answer that does not come.
    const wait = this.options.fleet.redis.status === 'ready' ? CLOSING_MS : GONE_MS;
    await within(ended(), wait);
    await within(this.working, wait);
    await Promise.all(this.attached.splice(0).map((run) => run.close()));
    await this.stores.close();
    await this.interrogators.close();
  }

  private async takeWork(): Promise<void> {
    const { signal } = this.ending;
    const { shards = 2, log } = this.options;
    let idle: number = IDLE_MS[0];
    while (!signal.aborted) {
      try {
        if (performance.now() - this.lookedAt > LOOK_MS) await this.look();
        const hasRoom = this.underway.size < shards && this.work.rest === 0;
        const isTaken = hasRoom && (await this.takeOne());
        if (isTaken) idle = IDLE_MS[0];
        else {
          // What ends wakes it, too.
          await this.sleep(idle * (0.75 + Math.random() / 2));
          idle = Math.min(idle * 1.5, IDLE_MS[1]);
        }
      } catch (error) {
        if (signal.aborted) return;
        log({ event: 'failed', run: '', message: (error as Error).message });
        await this.sleep(LOOK_MS);
      }
    }
  }

  private async sleep(milliseconds: number): Promise<void> {
    const over = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    await Promise.race([woken, pause(milliseconds, over.signal).catch(() => {})]);
    over.abort();
  }

  /** Of the first run that has something. Those of the same number take turns. */
  private async takeOne(): Promise<boolean> {
    for (const run of this.attached) {
      if (performance.now() < run.restsUntil) continue;
      const taken = await run.take();
      if (!taken) continue;
      if (this.ending.signal.aborted) {
        await run.settle(taken.job, taken.token, { kind: 'back' });
        return false;
      }
      this.toBack(run);
      const underway: Underway = { run: run.spec.id, ending: new AbortController(), done: Promise.resolve() };
      underway.done = this.do(run, taken, underway.ending.signal).finally(() => {
        this.underway.delete(underway);
        this.wake();
      });
      this.underway.add(underway);
      return true;
    }
    return false;
  }

  private toBack(run: AttachedRun): void {
    const others = this.attached.filter((each) => each !== run);
    const place = others.findIndex(({ spec }) => spec.priority > run.spec.priority);
    others.splice(place < 0 ? others.length : place, 0, run);
    this.attached = others;
  }

  /** Never rejects. */
  private async do(run: AttachedRun, { job, token }: NonNullable<Awaited<ReturnType<AttachedRun['take']>>>, signal: AbortSignal) {
    const { spec, queue } = run;
    const { log } = this.options;
    try {
      const wait = job.name === 'merge' ? 0 : await takeTurn(this.options.fleet, spec.tenant, (job.data as ShardData).count);
      if (wait > 0) {
        run.restsUntil = performance.now() + wait;
        return await run.settle(job, token, { kind: 'later', after: wait });
      }
      const attempt = `${this.options.id}-${randomBytes(4).toString('hex')}`;
      const outcome = await this.work.do({ spec, queue, job, attempt, signal }, (reason) => this.refuse(spec.id, reason));
      await run.settle(job, token, outcome);
      if (job.name === 'merge' && outcome.kind === 'done') await this.merged(run);
    } catch (error) {
      // The lock was lost: what was made of it is in the store, or of no use.
      log({ event: 'lost lock', run: spec.id, message: (error as Error).message });
    }
  }

  /** Of a run that has ended well nobody asks for the queue any more. */
  private async merged({ spec, queue }: AttachedRun): Promise<void> {
    const { state, summary } = await this.records.read(spec.id);
    if (state === 'ended' && summary?.failed === 0) await removeQueue(queue);
    this.lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** What is open, with what this worker takes part in. By the loop alone. */
  private async look(): Promise<void> {
    const records = await this.records.listOpen();
    const open = new Set(records.map(({ spec }) => spec.id));
    for (const id of this.refused) if (!open.has(id)) this.refused.delete(id);
    const wanted = new Map<string, RunSpec>();
    for (const record of records.sort((a, b) => a.spec.priority - b.spec.priority || a.spec.createdAt - b.spec.createdAt)) {
      const { spec, isPaused, state, left, round, refusals } = record;
      // Reopened: whoever did it may have mended the cause.
      if (this.refused.has(spec.id) && refusals[this.options.id] !== undefined) continue;
      this.refused.delete(spec.id);
      if (spec.version !== PACKAGE_VERSION) {
        await this.refuse(spec.id, `It has version ${PACKAGE_VERSION} of the package; the run was submitted with ${spec.version}.`);
        continue;
      }
      if (isPaused || wanted.size >= MOST_ATTACHED) continue;
      wanted.set(spec.id, spec);
      // Whoever was to add it has died.
      if (state === 'running' && left <= 0) await this.heal(spec, round);
    }
    const leaving = this.attached.filter(
      ({ spec, underway }) => !open.has(spec.id) || this.refused.has(spec.id) || (!wanted.has(spec.id) && underway === 0),
    );
    for (const run of leaving) await this.leave(run, open);
    for (const spec of wanted.values()) this.attach(spec);
    this.attached.sort((a, b) => a.spec.priority - b.spec.priority);
    this.lookedAt = performance.now();
    if (this.lookedAt - this.forgotAt > FORGET_MS) await this.forgetOld(open);
  }

  private async forgetOld(open: ReadonlySet<string>): Promise<void> {
    this.forgotAt = performance.now();
    await this.work.forgetAllBut(open);
    for (const run of await forgetOldRuns(this.options.fleet)) this.options.log({ event: 'forgotten', run });
  }

  private async heal({ id }: RunSpec, round: number): Promise<void> {
    const run = this.attached.find(({ spec }) => spec.id === id);
    if (run) await addMerge(run.queue, round);
  }

  private attach(spec: RunSpec): void {
    if (this.attached.some((run) => run.spec.id === spec.id)) return;
    const { fleet, lockSeconds = 30, id, log } = this.options;
    const onError = (error: Error): void => log({ event: 'lost lock', run: spec.id, message: error.message });
    this.attached.push(new AttachedRun({ fleet, spec, id, lockSeconds, onError }));
    log({ event: 'run', run: spec.id, message: spec.title });
  }

  private async refuse(id: string, reason: string): Promise<void> {
    this.refused.add(id);
    await this.records.refuse(id, this.options.id, reason);
    this.options.log({ event: 'refused', run: id, message: reason });
    this.lookedAt = Number.NEGATIVE_INFINITY;
  }

  private giveUp(id?: string): Promise<unknown> {
    const own = [...this.underway].filter(({ run }) => id === undefined || run === id);
    for (const { ending } of own) ending.abort();
    return Promise.all(own.map(({ done }) => done));
  }

  /** Its shards under way are given back; of a run that was cancelled nobody takes them. */
  private async leave(run: AttachedRun, open: ReadonlySet<string>): Promise<void> {
    const { id } = run.spec;
    this.attached = this.attached.filter((each) => each !== run);
    await within(this.giveUp(id), CLOSING_MS);
    await run.close();
    if (!open.has(id)) await this.work.forget(id);
    this.options.log({ event: 'left', run: id });
  }
}
