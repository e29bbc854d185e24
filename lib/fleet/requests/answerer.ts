/** Takes requests off the queue, and answers them. */
import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { AbortError } from '../../errors';
import type { Fleet } from '../redis/connect';
import { duplicatesOf } from '../redis/duplicates';
import { within } from '../redis/within';
import { removeQueues, useQueue } from './old-queues';
import { isHeardOf } from './presence';
import { ProgressLine } from './progress-line';
import { callOffChannel, LOCK_MS, MOST_DEATHS, type QueuedRequest, REQUESTS, type RequestJob, STALLED_MS, UNASKED, USE_MS } from './wire';

/** A request that this process works on. */
export interface TakenRequest extends RequestJob {
  signal: AbortSignal;
  /** Its work on the device begins: from now on it is not given back where the process is to end. */
  begin(): void;
  /** `passes`: the next report says all that this one does. */
  report(item: unknown, options: { passes: boolean }): void;
}

export interface AnswererOptions {
  /** Requests at a time. */
  concurrency: number;
  /** What it resolves with is the answer, failures too. What it rejects with is the queue's affair. */
  answer(request: TakenRequest): Promise<unknown>;
  /** The answer to a request of which as many workers have died. */
  giveUp(deaths: number): unknown;
  onError?(error: Error): void;
}

interface Active {
  controller: AbortController;
  hasBegun: boolean;
}

/** Requests are given back in much less. */
const CLOSING_MS = 10_000;

/** A Redis that says nothing for so long is away, whatever the state of its connection. */
const PATIENCE_MS = 1000;

/** Why a request is given back: another worker does it. */
const GIVEN_BACK = new AbortError('given back');

export class Answerer {
  private readonly worker: Worker<QueuedRequest>;
  private readonly active = new Map<string, Active>();
  private readonly callOffs: Redis;
  private readonly connection: Redis;
  private readonly duplicates: readonly Redis[];
  private readonly subscribed: Promise<unknown>;
  private readonly timer: NodeJS.Timeout;
  private isEnding = false;

  constructor(
    private readonly fleet: Fleet,
    private readonly options: AnswererOptions,
  ) {
    const { Worker } = require('bullmq') as typeof import('bullmq');
    const { concurrency, onError = () => {} } = options;
    this.connection = fleet.connection();
    this.duplicates = duplicatesOf(this.connection);
    this.worker = new Worker<QueuedRequest>(REQUESTS, (job, token) => this.process(job, token ?? ''), {
      connection: this.connection,
      prefix: fleet.prefix,
      autorun: false,
      concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_MS,
      // Deaths are counted here: what BullMQ gives up has no answer that one can read.
      maxStalledCount: 1000,
    });
    this.worker.on('error', (error) => {
      // Whoever waits for Redis is told by others that it is away.
      if (fleet.redis.status === 'ready') onError(error);
    });
    this.callOffs = fleet.connection();
    this.callOffs.on('message', (_, id: string) => this.active.get(id)?.controller.abort());
    this.timer = setInterval(() => void this.use().catch(() => {}), USE_MS).unref();
    this.subscribed = this.callOffs.subscribe(callOffChannel(fleet.prefix)).catch(onError);
  }

  /** Notes that this version lives, and removes what is left of those that do not. */
  private async use(): Promise<void> {
    const { fleet } = this;
    if (fleet.redis.status === 'ready') await removeQueues(fleet, await useQueue(fleet));
  }

  /** Requests under way. */
  get busy(): number {
    return this.active.size;
  }

  /** Begins to take requests. */
  async start(): Promise<void> {
    // What is taken can then be called off.
    await this.subscribed;
    this.worker.run().catch(this.options.onError ?? (() => {}));
    // The next time is soon.
    void this.use().catch(() => {});
  }

  /** Takes no more, gives back what has not begun, and resolves when the rest is answered. */
  async drain(): Promise<void> {
    this.isEnding = true;
    const paused = this.worker.pause();
    for (const { controller, hasBegun } of this.active.values()) if (!hasBegun) controller.abort(GIVEN_BACK);
    await paused;
  }

  /** Gives back what is under way. */
  async close(): Promise<void> {
    this.isEnding = true;
    clearInterval(this.timer);
    const paused = this.worker.pause(true);
    for (const { controller } of this.active.values()) controller.abort(GIVEN_BACK);
    await within(paused, CLOSING_MS);
    // Without a Redis nothing can be given back: it is found when the locks have run out. Where BullMQ has to make its own connections
    // again first, it would wait for them, and what it renews locks with would never end.
    const own = [this.connection, ...this.duplicates];
    const isAway = own.some(({ status }) => status !== 'ready') || !(await answers(this.fleet.redis));
    await within(this.worker.close(isAway), isAway ? 500 : CLOSING_MS);
    for (const each of [...own, this.callOffs]) if (each.status !== 'end') each.disconnect();
  }

  private async process(job: Job<QueuedRequest>, token: string): Promise<unknown> {
    if (job.stalledCounter >= MOST_DEATHS) return this.options.giveUp(job.stalledCounter);
    // A door that died has left it: many more may wait behind it.
    if (!(await isHeardOf(this.fleet, job.data.asker).catch(() => true))) return UNASKED;
    // It was on its way when the end began.
    if (this.isEnding) return giveBack(job, token);
    const id = job.id as string;
    const own: Active = { controller: new AbortController(), hasBegun: false };
    const { signal } = own.controller;
    const line = new ProgressLine((items) => job.updateProgress(items as never));
    this.active.set(id, own);
    try {
      const value = await this.options.answer({
        ...job.data,
        signal,
        begin: () => {
          own.hasBegun = true;
        },
        report: (item, { passes }) => job.data.isWatched && line.add(item, { passes }),
      });
      if (signal.aborted && signal.reason === GIVEN_BACK) return await giveBack(job, token);
      await line.flush();
      return value;
    } finally {
      // The same one may have come again, where its lock was lost.
      if (this.active.get(id) === own) this.active.delete(id);
    }
  }
}

async function giveBack(job: Job, token: string): Promise<never> {
  const { WaitingError } = require('bullmq') as typeof import('bullmq');
  await job.moveToWait(token);
  throw new WaitingError();
}

async function answers(redis: Redis): Promise<boolean> {
  if (redis.status !== 'ready') return false;
  let hasAnswered = false;
  const asked = redis.ping().then(() => {
    hasAnswered = true;
  });
  await within(asked, PATIENCE_MS);
  return hasAnswered;
}
