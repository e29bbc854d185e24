/** Puts requests on the queue, and waits for their answers: through restarts of Redis, and whatever becomes of the workers. */
import { randomBytes } from 'node:crypto';
import type { Job, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { onAbort } from '../../abort';
import { AbortError, InterrogatorError } from '../../errors';
import type { Fleet } from '../redis/connect';
import { duplicatesOf } from '../redis/duplicates';
import { within } from '../redis/within';
import { useQueue } from './old-queues';
import { saysItEnds, saysItLives } from './presence';
import { callOffChannel, isUnasked, KEPT_SECONDS, MOST_EVENTS, type QueuedRequest, REQUESTS, type RequestJob, USE_MS } from './wire';

/** How often it is looked whether something waits for an answer that it has missed. */
const LOOK_MS = 2000;
/** What was not heard of for so long is looked at. */
const SILENCE_MS = 5000;
/** Redis answers after so long, event or not. */
const BLOCK_MS = 5000;
const LOOKS_AT_ONCE = 50;
const CLOSING_MS = 500;

export interface AskOptions {
  signal: AbortSignal;
  onProgress?: ((items: readonly unknown[]) => void) | undefined;
}

interface Waiting {
  job: RequestJob;
  /** It is put on the queue again. */
  isAgain: boolean;
  heardAt: number;
  onProgress: AskOptions['onProgress'];
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Asker {
  private readonly id = randomBytes(12).toString('base64url');
  private readonly queue: Queue<QueuedRequest>;
  private readonly events: QueueEvents;
  private readonly waiting = new Map<string, Waiting>();
  private readonly connection: Redis;
  private readonly duplicates: readonly Redis[];
  private readonly timers: readonly NodeJS.Timeout[];
  private isLooking = false;
  private isClosed = false;
  private readonly lookNow = (): void => {
    void this.live().catch(() => {});
    void this.look(0);
  };

  private constructor(
    private readonly fleet: Fleet,
    lastEventId: string,
  ) {
    const { Queue, QueueEvents } = require('bullmq') as typeof import('bullmq');
    const { prefix, redis } = fleet;
    this.queue = new Queue(REQUESTS, { connection: redis, prefix, streams: { events: { maxLen: MOST_EVENTS } } });
    const connection = fleet.connection();
    this.duplicates = duplicatesOf(connection);
    this.connection = connection;
    this.events = new QueueEvents(REQUESTS, { connection, prefix, lastEventId, blockingTimeout: BLOCK_MS });
    // Connections are made again by themselves, and what was missed meanwhile is looked for.
    this.queue.on('error', () => {});
    this.events.on('error', () => {});
    connection.on('ready', this.lookNow);
    redis.on('ready', this.lookNow);
    this.events.on('completed', ({ jobId, returnvalue }) => this.answered(jobId, returnvalue));
    this.events.on('failed', ({ jobId, failedReason }) => this.failed(jobId, failedReason));
    this.events.on('progress', ({ jobId, data }) => {
      const waiting = this.heard(jobId);
      if (Array.isArray(data)) waiting?.onProgress?.(data);
    });
    this.events.on('active', ({ jobId }) => void this.heard(jobId));
    const look = (): void => {
      if (redis.status === 'ready') void this.live().catch(() => {});
      void this.look(SILENCE_MS);
    };
    const use = (): void => {
      if (redis.status === 'ready') void useQueue(fleet).catch(() => {});
    };
    this.timers = [setInterval(look, LOOK_MS).unref(), setInterval(use, USE_MS).unref()];
  }

  /** Hears of all that is answered from now on. */
  static async open(fleet: Fleet): Promise<Asker> {
    // Without it, what is answered before the connection listens would be missed.
    const [last] = await fleet.redis.xrevrange(`${fleet.prefix}:${REQUESTS}:events`, '+', '-', 'COUNT', 1);
    const asker = new Asker(fleet, last?.[0] ?? '0-0');
    await Promise.all([asker.live(), useQueue(fleet)]);
    return asker;
  }

  /** Requests that are not answered yet. */
  get count(): number {
    return this.waiting.size;
  }

  /**
   * Resolves with what the worker returned. Rejects with AbortError when the signal fires (the request is then taken back, or called off),
   * and with ERR_RUNTIME where the queue itself gave it up.
   */
  async ask(job: RequestJob, { signal, onProgress }: AskOptions): Promise<unknown> {
    if (signal.aborted) throw new AbortError(signal.reason);
    const id = `r${randomBytes(12).toString('base64url')}`;
    let leave = (): void => {};
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.waiting.set(id, { job, isAgain: false, heardAt: performance.now(), onProgress, resolve, reject });
        leave = onAbort(signal, () => {
          reject(new AbortError(signal.reason));
          void this.takeBack(id);
        });
        // What Redis did not take for want of a connection, it takes when there is one again.
        this.add(id, job).catch(reject);
      });
    } finally {
      leave();
      this.waiting.delete(id);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers) clearInterval(timer);
    this.fleet.redis.off('ready', this.lookNow);
    for (const { reject } of this.waiting.values()) reject(new InterrogatorError('ERR_DISPOSED', 'The connection to the fleet is closed.'));
    // BullMQ would wait for a Redis that is away, or that says nothing.
    await within(Promise.allSettled([saysItEnds(this.fleet, this.id), this.events.close(), this.queue.close()]), CLOSING_MS);
    for (const each of [this.connection, ...this.duplicates]) if (each.status !== 'end') each.disconnect();
  }

  private async live(): Promise<void> {
    if (!this.isClosed) await saysItLives(this.fleet, this.id);
  }

  /** The same one twice is one. */
  private add(id: string, job: RequestJob): Promise<Job> {
    const keep = { age: KEPT_SECONDS };
    return this.queue.add(job.call, { ...job, asker: this.id }, { jobId: id, removeOnComplete: keep, removeOnFail: keep, attempts: 1 });
  }

  private heard(id: string): Waiting | undefined {
    const waiting = this.waiting.get(id);
    if (waiting) waiting.heardAt = performance.now();
    return waiting;
  }

  private answered(id: string, value: unknown): void {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    if (isUnasked(value)) return void this.askAgain(id, waiting).catch(() => {});
    this.waiting.delete(id);
    waiting.resolve(value);
    // Nobody else waits for it.
    this.queue.remove(id).catch(() => {});
  }

  /** It was thought dead. What fails here is seen at the next look. */
  private async askAgain(id: string, waiting: Waiting): Promise<void> {
    if (waiting.isAgain) return;
    waiting.isAgain = true;
    try {
      await this.live();
      await this.queue.remove(id);
      if (this.waiting.has(id)) await this.add(id, waiting.job);
    } finally {
      waiting.isAgain = false;
    }
  }

  private failed(id: string, reason: string): void {
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    this.waiting.delete(id);
    waiting.reject(new InterrogatorError('ERR_RUNTIME', `The queue of requests gave one up: ${reason}.`));
    this.queue.remove(id).catch(() => {});
  }

  /** Nobody waits for it any more. */
  private async takeBack(id: string): Promise<void> {
    const isTaken = await this.queue.remove(id).catch(() => 0);
    if (isTaken === 1) return;
    await this.fleet.redis.publish(callOffChannel(this.fleet.prefix), id).catch(() => {});
  }

  /** Events may be lost, with a connection or with Redis. */
  private async look(silence: number): Promise<void> {
    if (this.isLooking || this.fleet.redis.status !== 'ready') return;
    this.isLooking = true;
    const before = performance.now() - silence;
    const silent = [...this.waiting].filter(([, { heardAt }]) => heardAt <= before);
    try {
      for (let at = 0; at < silent.length; at += LOOKS_AT_ONCE) {
        await Promise.all(silent.slice(at, at + LOOKS_AT_ONCE).map(([id, waiting]) => this.lookAt(id, waiting)));
      }
    } catch {
      // The next look comes soon.
    } finally {
      this.isLooking = false;
    }
  }

  private async lookAt(id: string, waiting: Waiting): Promise<void> {
    const job = await this.queue.getJob(id);
    if (!this.waiting.has(id)) return;
    waiting.heardAt = performance.now();
    // A Redis that has lost its last second does not know it.
    if (!job) await this.add(id, waiting.job);
    else if (job.finishedOn === undefined) return;
    else if (job.failedReason) this.failed(id, job.failedReason);
    else this.answered(id, job.returnvalue);
  }
}
