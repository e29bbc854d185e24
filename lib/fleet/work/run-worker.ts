/** A worker's part in all runs of the fleet: it takes shards of those that it may work on, one long-lived process a device. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { pause } from '../../abort';
import { requireFolder } from '../../files/space';
import { type ConfigInput, cacheFolder, type ProgressListener } from '../../index';
import { type Fleet, faultMessage } from '../redis/connect';
import { within } from '../redis/within';
import { forgetOldRuns } from '../runs/expiry';
import { removeQueue } from '../runs/queue';
import { RunRecords } from '../runs/records';
import { isFileOfMany, type ShardData } from '../runs/shard-data';
import type { AttachedRun, TakenJob } from './attached-run';
import { Changes } from './changes';
import type { WorkerEvent } from './events';
import { Interrogators, type Lender } from './interrogators';
import { JobWork } from './jobs/job-work';
import { type Outcome, pauseAfter } from './jobs/outcome';
import type { ShardMaker } from './jobs/workplace';
import { OpenRuns } from './open-runs';
import { Stores } from './stores';
import { countLate, takeTurn } from './tenant-limit';

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
/** How often it is looked for runs that ended long ago. */
const FORGET_MS = 3600_000;
const CLOSING_MS = 5000;
/** To end where there is no Redis to tell it to. */
const GONE_MS = 500;

interface Underway {
  run: string;
  job: string;
  isMerge: boolean;
  /** Fires where the job is to be given back. */
  ending: AbortController;
  done: Promise<void>;
}

export class RunWorker {
  private readonly folder: string;
  private readonly records: RunRecords;
  private readonly interrogators: Interrogators;
  private readonly stores = new Stores();
  private readonly work: JobWork;
  private readonly changes: Changes;
  private readonly runs: OpenRuns;
  private readonly underway = new Set<Underway>();
  private readonly ending = new AbortController();
  private working: Promise<void> = Promise.resolve();
  private wake = (): void => {};
  private lookedAt = Number.NEGATIVE_INFINITY;
  private forgotAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RunWorkerOptions) {
    const { fleet, config, onProgress = () => {}, lender, id, isBusy = () => false, lockSeconds = 30, log, makeShard } = options;
    this.records = new RunRecords(fleet);
    this.interrogators = new Interrogators(config, onProgress, lender);
    this.folder = path.resolve(options.folder ?? path.join(cacheFolder(), 'fleet'));
    const { records, interrogators, stores, folder } = this;
    this.work = new JobWork({ id, records, interrogators, stores, folder, isBusy, log, makeShard });
    this.changes = new Changes(fleet, () => this.lookSoon());
    const giveUp = (run: string): Promise<unknown> => within(this.giveUp(run), CLOSING_MS);
    const forget = (run: string): Promise<void> => this.work.forget(run);
    const onLost = (run: string, job: string): void => this.lost(run, job);
    this.runs = new OpenRuns({ fleet, records, id, lockSeconds, giveUp, forget, onLost, log });
  }

  /** Pictures done since the start, and shards under way. */
  get stats(): { pictures: number; failed: number; shards: number } {
    return { ...this.work.stats, shards: this.underway.size };
  }

  /** Rejects with ERR_IO where the folder takes no files. */
  async start(): Promise<void> {
    await requireFolder({ folder: this.folder, variable: '--work-dir' });
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
    void this.giveUp();
    // Without Redis it may wait for an answer that does not come.
    const wait = this.options.fleet.redis.status === 'ready' ? CLOSING_MS : GONE_MS;
    await within(Promise.all([ended(), this.working]), wait);
    await this.runs.close();
    await within(this.stores.close(), CLOSING_MS);
    await this.interrogators.close();
  }

  private async takeWork(): Promise<void> {
    const { signal } = this.ending;
    const { shards = 2, log } = this.options;
    let idle: number = IDLE_MS[0];
    let fault = '';
    while (!signal.aborted) {
      try {
        if (performance.now() - this.lookedAt > LOOK_MS) await this.look();
        const hasRoom = this.underway.size < shards && this.work.rest === 0;
        const isTaken = hasRoom && (await this.takeOne());
        fault = '';
        if (isTaken) idle = IDLE_MS[0];
        else {
          // What ends wakes it, too.
          await this.sleep(idle * (0.75 + Math.random() / 2));
          idle = Math.min(idle * 1.5, IDLE_MS[1]);
        }
      } catch (error) {
        if (signal.aborted) return;
        const message = faultMessage(error);
        // Until it is over it is said once.
        if (message !== fault) log({ event: 'failed', run: '', message });
        fault = message;
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

  private lookSoon(): void {
    this.lookedAt = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** By the loop alone. */
  private async look(): Promise<void> {
    const open = await this.runs.look();
    this.lookedAt = performance.now();
    if (this.lookedAt - this.forgotAt < FORGET_MS) return;
    this.forgotAt = this.lookedAt;
    await this.work.forgetAllBut(open);
    for (const run of await forgetOldRuns(this.options.fleet)) this.options.log({ event: 'forgotten', run });
  }

  /** Of the first run that has something. */
  private async takeOne(): Promise<boolean> {
    for (const run of this.runs.inTurn) {
      if (performance.now() < run.restsUntil) continue;
      const taken = await run.take();
      if (!taken) continue;
      if (this.ending.signal.aborted) {
        await run.settle(taken, { kind: 'back' });
        return false;
      }
      this.runs.took(run);
      this.begin(run, taken);
      return true;
    }
    return false;
  }

  private begin(run: AttachedRun, taken: TakenJob): void {
    const { name, id: job = '' } = taken.job;
    const underway: Underway = {
      run: run.spec.id,
      job,
      isMerge: name === 'merge',
      ending: new AbortController(),
      done: Promise.resolve(),
    };
    underway.done = this.do(run, taken, underway.ending.signal).finally(() => {
      this.underway.delete(underway);
      this.wake();
    });
    this.underway.add(underway);
  }

  /** Never rejects. Whatever comes of it, its lock is renewed no more. */
  private async do(run: AttachedRun, taken: TakenJob, signal: AbortSignal): Promise<void> {
    const { id } = run.spec;
    const { log } = this.options;
    try {
      const outcome = await this.outcomeOf(run, taken, signal).catch((error): Outcome => {
        log({ event: 'failed', run: id, message: faultMessage(error) });
        return { kind: 'later', after: pauseAfter(1) };
      });
      await run.settle(taken, outcome);
      if (taken.job.name === 'merge' && outcome.kind === 'done') await this.merged(run);
    } catch (error) {
      // Another worker has it by now, or will have it when its lock has run out: what was made of it is in the store, or of no use.
      log({ event: 'not told', run: id, message: faultMessage(error) });
    }
  }

  private async outcomeOf(run: AttachedRun, { job }: TakenJob, signal: AbortSignal): Promise<Outcome> {
    const { spec, queue } = run;
    const { fleet, id } = this.options;
    const shard = job.name === 'shard' ? (job.data as ShardData) : undefined;
    const wait = shard ? await takeTurn(fleet, spec.tenant, shard.count) : 0;
    if (wait > 0) {
      run.restsUntil = performance.now() + wait;
      return { kind: 'later', after: wait };
    }
    const attempt = `${id}-${randomBytes(4).toString('hex')}`;
    const outcome = await this.work.do({ spec, queue, job, attempt, signal }, async (reason) => {
      await this.runs.refuse(spec.id, reason);
      this.lookSoon();
    });
    // Now it is known how many there are.
    if (shard && isFileOfMany(shard) && outcome.kind === 'done') await countLate(fleet, spec.tenant, outcome.pictures - shard.count);
    return outcome;
  }

  /** A run without failures is never tried again: its queue is not needed any more. */
  private async merged({ spec, queue }: AttachedRun): Promise<void> {
    const { state, summary } = await this.records.read(spec.id);
    if (state === 'ended' && summary?.failed === 0) await removeQueue(queue);
    this.lookedAt = Number.NEGATIVE_INFINITY;
  }

  /** A shard comes to its end all the same, which may be before the other one's. Of a merge there is to be one at a time. */
  private lost(run: string, job: string): void {
    this.options.log({ event: 'lost lock', run, message: `Another worker has ${job}, which this one was thought dead with.` });
    for (const each of this.underway) if (each.run === run && each.job === job && each.isMerge) each.ending.abort();
  }

  private giveUp(id?: string): Promise<unknown> {
    const own = [...this.underway].filter(({ run }) => id === undefined || run === id);
    for (const { ending } of own) ending.abort();
    return Promise.all(own.map(({ done }) => done));
  }
}
