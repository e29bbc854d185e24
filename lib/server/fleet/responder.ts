/** A worker's part in a fleet: it answers the requests that servers without a device put on the queue. */
import type { Fleet } from '../../fleet/redis/connect';
import { within } from '../../fleet/redis/within';
import { Heartbeat } from '../../fleet/redis/workers';
import { Answerer, type TakenRequest } from '../../fleet/requests/answerer';
import type { ConfigInput, ProgressListener } from '../../index';
import { Refusal } from '../answers/refusal';
import { toRefusal } from '../answers/to-refusal';
import { PictureCache } from '../pictures/cache';
import { Spool } from '../pictures/spool';
import { NO_TRACE, noTimes } from '../work/caller';
import { type LocalParts, openLocal, placesOf } from '../work/local/open';
import type { Stations } from '../work/station';
import { type Answer, type Asked, type Calls, MOST_INLINE, type ResponderInfo, type Returned, sentRefusal } from './wire';
import { AtDoor } from './worker/at-door';
import { CALLS, type RemoteCaller } from './worker/calls';
import { SentPictures } from './worker/sent-pictures';
import { SentTables } from './worker/sent-tables';

export interface ResponderOptions {
  /** As in ServerOptions. */
  clip?: readonly string[] | undefined;
  caption?: readonly string[] | undefined;
  device?: readonly string[] | undefined;
  memory?: number | undefined;
  keepAlive?: number | undefined;
  cache?: number | undefined;
  maxPixels?: number | undefined;
  config?: ConfigInput | undefined;
  /** Of the process, where it does other work for the fleet, too. Default: one of its own. */
  heartbeat?: Heartbeat | undefined;
  /** While the models of the start are loaded. */
  onProgress?: ProgressListener | undefined;
  onEvent?: ((event: 'loaded' | 'unloaded', model: { clip: string; caption: string | null; seconds?: number }) => void) | undefined;
  /** What is this worker's own fault, and what its connections complain of. */
  onError?: ((error: unknown) => void) | undefined;
}

/** A Redis that says nothing for so long is not told: doors see the silence of this worker. */
const TELLING_MS = 1000;
/** The door decides who waits; what it has sent is done. */
const NO_LIMIT = { maxWait: 86_400, maxWaiting: 100_000 };

/** Opens the models, then takes requests until it is closed. Rejects with what opening them rejects with. */
export async function answerRequests(fleet: Fleet, options: ResponderOptions = {}): Promise<Responder> {
  const cache = new PictureCache(options.cache ?? 256 << 20);
  const atDoor = new AtDoor();
  const tables = new SentTables(atDoor);
  const { device = ['auto'], config = {}, memory = 0, keepAlive = 300, maxPixels = 100_000_000 } = options;
  const { clip, caption, onEvent = () => {}, onProgress = () => {} } = options;
  const parts = await openLocal({ ...NO_LIMIT, clip, caption, device, config, memory, keepAlive, maxPixels, onEvent }, { cache, tables });
  try {
    await parts.preload(onProgress);
  } catch (error) {
    await parts.close();
    throw error;
  }
  // 'auto' may have become a GPU.
  const places = parts.stations.all.reduce((sum, { host, queue }) => {
    const own = placesOf(host.deviceStats?.name ?? host.device);
    queue.offer(own);
    return sum + own;
  }, 0);
  return new Responder(fleet, { parts, cache, tables, atDoor, places, options });
}

interface ResponderParts {
  parts: LocalParts;
  cache: PictureCache;
  tables: SentTables;
  atDoor: AtDoor;
  places: number;
  options: ResponderOptions;
}

export class Responder {
  private readonly spool = new Spool();
  private readonly pictures: SentPictures;
  private readonly answerer: Answerer;
  private readonly heartbeat: Heartbeat;
  private isDraining = false;

  /** @internal */
  constructor(
    fleet: Fleet,
    private readonly of: ResponderParts,
  ) {
    const { atDoor, cache, places, options } = of;
    this.pictures = new SentPictures(atDoor, cache, this.spool);
    this.answerer = new Answerer(fleet, {
      concurrency: places,
      answer: (request) => this.answer(request),
      giveUp: (deaths) => ({ refusal: sentRefusal(deadly(deaths)), times: noTimes(), seconds: 0 }) satisfies Answer,
      onError: (error) => options.onError?.(error),
    });
    this.heartbeat = options.heartbeat ?? new Heartbeat(fleet);
    this.heartbeat.tell(() => this.info);
    // Doors hear of it once it takes requests.
    void this.answerer.start().then(() => this.heartbeat.beat());
  }

  /** Its devices with their models: whoever works beside it may borrow interrogators of them. */
  get stations(): Stations {
    return this.of.parts.stations;
  }

  /** Requests under way: what can wait, waits for them. */
  get busy(): number {
    return this.answerer.busy;
  }

  /** Takes no more, gives back what has not begun, and resolves when the rest is answered. */
  async drain(): Promise<void> {
    this.isDraining = true;
    // Doors are to know it at once.
    await within(this.heartbeat.beat(), TELLING_MS);
    await this.answerer.drain();
  }

  /** Gives back what is under way, and closes the models. */
  async close(): Promise<void> {
    this.isDraining = true;
    await this.answerer.close();
    await within(this.of.options.heartbeat ? this.heartbeat.beat() : this.heartbeat.stop(), TELLING_MS);
    await this.of.parts.close();
    await this.of.atDoor.close();
    this.spool.close();
  }

  private get info(): ResponderInfo & { device: string } {
    const { names, devices, stations } = this.of.parts;
    return {
      device: devices.shown.map(({ name }) => name).join(', '),
      places: this.isDraining ? 0 : this.of.places,
      devices: devices.shown.map(({ name, threads, running, waiting, busySeconds, weightBytes }) => ({
        ...{ name, threads, running, waiting, busySeconds, weightBytes },
      })),
      models: names.all
        .filter(({ isInstalled }) => isInstalled)
        .map(({ kind, name, memory, embedDim, repository }) => ({
          ...{ kind, name, embedDim, repository },
          state: devices.state(kind, name),
          memory: stations.first.host.memoryOf(kind, name) ?? memory,
        })),
      defaults: names.defaults,
      contextTokens: devices.contextTokens,
    };
  }

  private async answer(request: TakenRequest): Promise<Returned> {
    const began = performance.now();
    const { argsAt, args: given, answerAt } = request.body as Asked;
    const { atDoor, parts, cache, tables, options } = this.of;
    const caller = callerOf(request);
    const answer: Answer = { times: caller.times, seconds: 0 };
    try {
      const args = argsAt === undefined ? given : await atDoor.fetch(argsAt, request.signal, (body) => body.json());
      const call = CALLS[request.call as keyof Calls] as (doing: object, caller: RemoteCaller, args: unknown) => Promise<unknown>;
      answer.value = await call({ parts, cache, tables, pictures: this.pictures }, caller, args);
    } catch (error) {
      const refusal = toRefusal(error);
      if (refusal.status >= 500 && !request.signal.aborted) options.onError?.(error);
      answer.refusal = sentRefusal(refusal);
    }
    answer.seconds = (performance.now() - began) / 1000;
    const text = JSON.stringify(answer);
    if (text.length <= MOST_INLINE || request.signal.aborted) return answer;
    try {
      await atDoor.bring(answerAt, text, request.signal);
      return { isSent: true };
    } catch (error) {
      return { times: answer.times, seconds: answer.seconds, refusal: sentRefusal(toRefusal(error)) };
    }
  }
}

function callerOf(request: TakenRequest): RemoteCaller {
  return {
    id: request.client,
    signal: request.signal,
    times: noTimes(),
    trace: { ...NO_TRACE, now: (stage) => stage === 'decode' && request.begin() },
    isWatched: request.isWatched,
    // A place in this worker's own line is nothing that the client knows of.
    report: (progress) => progress.stage !== 'queue' && request.report({ progress }, { passes: true }),
    tell: (report) => request.report(report, { passes: false }),
  };
}

function deadly(deaths: number): Refusal {
  return new Refusal(500, 'ERR_RUNTIME', `${deaths} workers ended while they worked on this request.`, {
    hint: 'Their logs say how. It is not tried again.',
  });
}
