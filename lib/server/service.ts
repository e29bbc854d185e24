/** What a server is behind its routes: models, devices, pictures, tables and jobs, from the start to the end. */
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import { pause } from '../abort';
import { AbortError, cacheFolder, type ProgressEvent } from '../index';
import { Refusal } from './answers/refusal';
import { toRefusal } from './answers/to-refusal';
import { Blobs } from './fleet/door/blobs';
import { openDoor } from './fleet/door/open';
import { FleetLink } from './fleet/link';
import { Jobs } from './jobs/jobs';
import type { Settled } from './options';
import { PictureCache } from './pictures/cache';
import { Intake } from './pictures/intake';
import { PictureFetcher } from './pictures/remote';
import { Spool } from './pictures/spool';
import { Keys } from './safety/client';
import { TableStore } from './tables/table-store';
import { watchFleet } from './watch/fleet-figures';
import { Metrics } from './watch/metrics';
import { traceOf } from './watch/traces';
import { type Caller, noTimes, type Times } from './work/caller';
import { type LocalParts, labelsFolder, openLocal } from './work/local/open';
import type { Opened } from './work/opened';

const { version } = require('../../package.json') as { version: string };

declare module 'fastify' {
  interface FastifyRequest {
    times: Times;
  }
}

/** For clients to take what was made for them, after the grace. */
const SENDING_MS = 10_000;

export type ServiceState = 'starting' | 'ready' | 'draining' | 'failed';

export class Service {
  readonly cache: PictureCache;
  readonly fetcher: PictureFetcher | undefined;
  readonly intake: Intake;
  readonly spool = new Spool();
  readonly tables: TableStore;
  readonly jobs = new Jobs();
  readonly metrics: Metrics;
  readonly keys: Keys;
  /** What workers of a fleet fetch here. */
  readonly blobs = new Blobs(this.spool);
  /** To the runs of the fleet; undefined without a Redis. */
  readonly fleet: FleetLink | undefined;
  readonly startedAt = Date.now();
  state: ServiceState = 'starting';
  /** Settles when the models of the start are open. */
  started: Promise<void> = Promise.resolve();
  private readonly callers = new Set<AbortController>();
  private readonly answers = new Set<ServerResponse>();
  /** Fires when the server closes. */
  private readonly ending = new AbortController();
  /** Settles when the first picture was tried. */
  warming: Promise<void> = Promise.resolve();
  private opened: Opened | undefined;

  constructor(
    readonly settings: Settled,
    private readonly log: FastifyBaseLogger,
  ) {
    const { apiKey, cache, allowUrls, maxBody, tables, config, redis, redisPrefix: prefix } = settings;
    this.keys = new Keys(apiKey);
    this.cache = new PictureCache(cache);
    this.fetcher = allowUrls ? new PictureFetcher() : undefined;
    this.intake = new Intake({ cache: this.cache, spool: this.spool, fetcher: this.fetcher, maxBytes: maxBody });
    this.tables = new TableStore(
      path.resolve(tables ?? path.join(cacheFolder(), 'tables')),
      config.cachePath === undefined ? labelsFolder() : config.cachePath,
    );
    this.metrics = new Metrics({ devices: () => this.opened?.devices, cache: this.cache, inFlight: () => this.callers.size });
    if (redis === undefined) return;
    this.fleet = new FleetLink({ url: redis, ...(prefix !== undefined && { prefix }), warn: (message) => this.log.warn(message) });
    watchFleet(this.metrics.registry, this.fleet);
  }

  /** Begins to load the models; `started` tells the end. */
  start(): void {
    // Who asks for a run tries again.
    this.fleet?.open().catch(() => {});
    this.started = this.open();
    // Whoever starts a server may look at `started`, and need not.
    this.started.catch((error: unknown) => {
      if (this.state !== 'starting') return;
      this.state = 'failed';
      this.log.error({ err: error }, 'the models cannot be opened');
    });
  }

  /** Throws 503 before the models' names are known. */
  get parts(): Opened {
    if (this.opened) return this.opened;
    throw new Refusal(503, 'ERR_NOT_READY', 'The server is starting.', { retryAfter: 1 });
  }

  /** The CLIP model that a request names, or the default. Throws 404; 503 where no worker has told of one yet. */
  clip(given?: string | undefined): string {
    const { names } = this.parts;
    if (given !== undefined) return names.find('clip', given).name;
    const [first] = names.defaults.clip;
    if (first !== undefined) return first;
    throw this.hindrance ?? new Refusal(503, 'ERR_NOT_READY', 'No CLIP model is known yet.', { retryAfter: 1 });
  }

  /** Throws 404, also where the server has no caption model and none was named. */
  captioner(given?: string | undefined): string {
    const { names } = this.parts;
    if (given !== undefined) return names.find('caption', given).name;
    const [first] = names.defaults.caption;
    if (first !== undefined) return first;
    throw new Refusal(404, 'ERR_CAPTION_MODEL_MISSING', 'This server has no caption model.', {
      hint: 'Give a caption, or name a caption model.',
    });
  }

  /** Why no request can be served now: the server starts or ends, or no worker is there. */
  get hindrance(): Refusal | undefined {
    if (this.state === 'ready') return this.opened?.hindrance;
    return new Refusal(503, 'ERR_NOT_READY', NOT_READY[this.state], { retryAfter: this.state === 'starting' ? 2 : 5 });
  }

  /** Throws 503 where no request can be served now. */
  requireReady(): void {
    const { hindrance } = this;
    if (hindrance) throw hindrance;
  }

  /** Throws 429 where as many jobs are under way as requests may wait. */
  requireRoomForJob(): void {
    const { maxWaiting } = this.settings;
    if (this.jobs.count < maxWaiting) return;
    throw new Refusal(429, 'ERR_BUSY', `${this.jobs.count} jobs are under way; at most ${maxWaiting} may be.`, {
      hint: 'Wait for the end of some.',
      retryAfter: 5,
    });
  }

  /**
   * Who asks; the work is cancelled when the client has left. Must be disposed of when the answer is sent. Throws 503 while the server
   * starts or ends.
   */
  caller(
    request: FastifyRequest,
    reply: FastifyReply,
    listener?: (event: ProgressEvent & { seconds?: number }) => void,
  ): Caller & Disposable {
    this.requireReady();
    const caller = this.callerOf(this.clientOf(request), request.times, listener);
    const leave = (): void => {
      if (!reply.raw.writableFinished) caller.abort(new Refusal(499, 'ERR_CLIENT_GONE', 'The client has left.'));
    };
    reply.raw.once('close', leave);
    if (reply.raw.destroyed) leave();
    return {
      ...caller,
      [Symbol.dispose]: () => {
        reply.raw.removeListener('close', leave);
        caller[Symbol.dispose]();
      },
    };
  }

  clientOf(request: FastifyRequest): string {
    return this.keys.clientOf(request);
  }

  /** The same for a job, which has a signal of its own. */
  jobCaller(id: string, signal: AbortSignal, listener: (event: ProgressEvent) => void): Caller & Disposable {
    const caller = this.callerOf(id, noTimes(), listener);
    signal.addEventListener('abort', () => caller.abort(signal.reason), { once: true });
    return caller;
  }

  private callerOf(id: string, times: Times, listener?: (event: ProgressEvent & { seconds?: number }) => void) {
    const controller = new AbortController();
    this.callers.add(controller);
    const trace = traceOf();
    return {
      id,
      signal: controller.signal,
      times,
      trace,
      isWatched: listener !== undefined,
      report: (event: ProgressEvent & { seconds?: number }): void => {
        trace.now(SPANS[event.stage] ?? event.stage);
        listener?.(event);
      },
      abort: (reason: unknown): void => controller.abort(reason),
      [Symbol.dispose]: (): void => {
        trace.now(undefined);
        this.callers.delete(controller);
      },
    };
  }

  /** Finishes what was accepted, or cancels it after `grace` seconds. Resolves when nothing runs any more. */
  async drain(grace: number): Promise<void> {
    this.state = 'draining';
    const end = performance.now() + grace * 1000;
    // A warm-up is nobody's request.
    this.ending.abort();
    while ((this.callers.size > 0 || this.jobs.count > 0) && performance.now() < end) await pause(20, undefined);
    const reason = new Refusal(503, 'ERR_NOT_READY', 'The server is ending.', { retryAfter: 5 });
    for (const each of this.callers) each.abort(reason);
    this.jobs.cancelAll(reason);
    await this.jobs.settled();
    const last = performance.now() + SENDING_MS;
    while ((this.callers.size > 0 || this.isSending) && performance.now() < last) await pause(20, undefined);
  }

  /** An answer is on its way to a client. */
  private get isSending(): boolean {
    return [...this.answers].some((answer) => answer.writableEnded && !answer.writableFinished && !answer.destroyed);
  }

  /** What is sent with it is waited for at the end. */
  watch(answer: ServerResponse): void {
    this.answers.add(answer);
    answer.once('close', () => this.answers.delete(answer));
  }

  async close(): Promise<void> {
    this.state = 'draining';
    for (const each of this.callers) each.abort(new AbortError());
    this.jobs.cancelAll(new AbortError());
    this.ending.abort();
    await this.opened?.close();
    await this.started.catch(() => {});
    await this.warming;
    await this.jobs.settled();
    await this.fetcher?.close();
    this.fleet?.[Symbol.dispose]();
    this.metrics.close();
    this.spool.close();
  }

  private async open(): Promise<void> {
    if (this.settings.localDevice) await this.openLocal();
    else await this.openDoor();
  }

  private async openLocal(): Promise<void> {
    const { cache, tables } = this;
    const onEvent = (event: string, model: object): void => this.log.info(model, event);
    const local = await openLocal({ clip: undefined, caption: undefined, ...this.settings, onEvent }, { cache, tables });
    this.opened = local;
    await local.preload(this.progressLog());
    if (this.state !== 'starting') return;
    this.state = 'ready';
    this.warming = this.warm(local).catch((error) => this.log.warn({ err: error }, 'the first picture failed'));
  }

  /** It does no work itself: workers of a fleet do. */
  private async openDoor(): Promise<void> {
    const { cache, tables, blobs, metrics, settings } = this;
    this.opened = await openDoor(
      { clip: undefined, caption: undefined, ...settings, redis: settings.redis as string, version },
      { cache, tables, blobs, metrics, log: this.log },
    );
    if (this.state === 'starting') this.state = 'ready';
  }

  private async warm(local: LocalParts): Promise<void> {
    using caller = this.jobCaller('warm-up', this.ending.signal, () => {});
    await local.warm(caller);
  }

  /** Long loads are told of in the log, now and then. */
  private progressLog(): (event: ProgressEvent) => void {
    let told = 0;
    return ({ stage, done, total }) => {
      if (performance.now() - told < 5000) return;
      told = performance.now();
      this.log.info({ stage, done, total }, 'loading');
    };
  }

  /** For the log of what failed: 499 and 4xx are the client's. */
  isOurFault(error: unknown): boolean {
    return toRefusal(error).status >= 500;
  }
}

const NOT_READY = {
  starting: 'The models are being loaded.',
  draining: 'The server is ending.',
  failed: 'The models could not be opened; the log says why.',
};

/** Stages as spans are called. */
const SPANS: Record<string, string> = { features: 'image tower' };
