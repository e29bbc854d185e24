/** The models of one device: loaded when they are asked for, unloaded when memory or time says so. */
import { setTimeout as sleep } from 'node:timers/promises';
import { abandonable } from '../../abort';
import { type BundleKind, Config, type ConfigInput, Interrogator, InterrogatorError, ModelPool, type ProgressListener } from '../../index';
import { Refusal } from '../answers/refusal';
import type { ModelNames } from './names';
import { Pair, type PairWish, pairKey } from './pair';

export interface ModelHostOptions {
  device: string;
  names: ModelNames;
  /** What all interrogators have in common. */
  config: ConfigInput;
  /** Bytes of models at the most; 0: no limit. */
  memory: number;
  /** Seconds; 0: for ever. */
  keepAlive: number;
  /** Told of what the log should have. */
  onEvent(event: 'loaded' | 'unloaded', model: { clip: string; caption: string | null; seconds?: number }): void;
}

/** An interrogator for the time of a request. */
export interface Borrowed extends Disposable {
  interrogator: Interrogator;
}

/** Interrogators with other settings of the same models: they take little memory, but not none. */
const MOST_PAIRS = 32;
/** How often it is looked whether something has become free. */
const POLL_MS = 50;

export class ModelHost {
  private readonly pool = new ModelPool();
  private readonly pairs = new Map<string, Pair>();
  /** Loads, one after the other: what one finds free, the next must not count on. */
  private loading: Promise<unknown> = Promise.resolve();
  private readonly timer: NodeJS.Timeout | undefined;
  /** Bytes of each open model, as measured when it was opened. */
  private readonly bytes = new Map<string, number>();
  /** Fires at the end. */
  private readonly ending = new AbortController();

  constructor(private readonly options: ModelHostOptions) {
    const { keepAlive } = options;
    if (keepAlive > 0) this.timer = setInterval(() => this.unloadIdle(), Math.min(keepAlive * 250, 10_000)).unref();
  }

  get device(): string {
    return this.options.device;
  }

  /** What the device says of itself; undefined before the first model is open. */
  get deviceStats() {
    return this.open()[0]?.interrogator?.stats().device;
  }

  /** Those that are open, with the name of their CLIP model. */
  get interrogators(): { clip: string; interrogator: Interrogator }[] {
    return this.open().map(({ wish, interrogator }) => ({ clip: wish.clip, interrogator: interrogator as Interrogator }));
  }

  /** For what is the same of all: the reference's term lists. */
  get anyInterrogator(): Interrogator | undefined {
    return this.open()[0]?.interrogator;
  }

  state(kind: BundleKind, name: string): 'resident' | 'loading' | 'absent' {
    const pairs = [...this.pairs.values()].filter((pair) => pair.uses(kind, name));
    if (pairs.some(({ interrogator }) => interrogator !== undefined)) return 'resident';
    return pairs.length > 0 ? 'loading' : 'absent';
  }

  /** Bytes of a model that is, or was, open here. */
  memoryOf(kind: BundleKind, name: string): number | undefined {
    return this.bytes.get(modelKey(kind, name));
  }

  /** Loads, so that it stays until the end. */
  async preload(wish: PairWish, onProgress?: ProgressListener): Promise<void> {
    await this.pairOf(wish, true, onProgress).opening;
  }

  /**
   * The interrogator of a wish, which is loaded where it is not open yet; all who wait for it wait for one load. Rejects with 404 for a
   * model whose weights would have to be fetched and may not be, with 503 where it does not fit the memory, and with what create() throws.
   * The signal ends the wait, not the load.
   */
  async borrow(wish: PairWish, signal: AbortSignal, onProgress?: ProgressListener): Promise<Borrowed> {
    const pair = this.pairOf(wish, false, onProgress);
    pair.users += 1;
    let isHeld = true;
    const release = (): void => {
      if (isHeld) pair.users -= 1;
      isHeld = false;
      pair.usedAt = performance.now();
    };
    try {
      return { interrogator: await abandonable(pair.opening, signal), [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Unloads a model where nobody uses it; nothing where it is not open. Throws 409 where somebody does. */
  async unload(kind: BundleKind, name: string): Promise<void> {
    const pairs = [...this.pairs.values()].filter((pair) => pair.uses(kind, name));
    if (pairs.some((pair) => !pair.isIdle)) {
      throw new Refusal(409, 'ERR_CONFLICT', `${name} is in use.`, { hint: 'Try again when its requests have ended.' });
    }
    await Promise.all(pairs.map((pair) => this.close(pair)));
  }

  async dispose(): Promise<void> {
    this.ending.abort();
    clearInterval(this.timer);
    await this.loading.catch(() => {});
    await Promise.all([...this.pairs.values()].map((pair) => this.close(pair)));
  }

  private pairOf(wish: PairWish, stays: boolean, onProgress: ProgressListener | undefined): Pair {
    this.requireOpen();
    const key = pairKey(wish);
    const there = this.pairs.get(key) ?? (wish.caption === null ? this.withCaption(wish) : undefined);
    if (there) return there;
    const opening = this.loading.then(() => this.load(wish, stays, onProgress));
    this.loading = opening.catch(() => {});
    const pair = new Pair(key, wish, opening, stays);
    this.pairs.set(key, pair);
    // A failure is tried again by the next who asks.
    opening.catch(() => this.pairs.get(key) === pair && this.pairs.delete(key));
    return pair;
  }

  /** One with a caption model does as well for those who need none. */
  private withCaption(wish: PairWish): Pair | undefined {
    return this.open().find((pair) => pairKey({ ...pair.wish, caption: null }) === pairKey(wish));
  }

  private open(): Pair[] {
    return [...this.pairs.values()].filter(({ interrogator }) => interrogator !== undefined);
  }

  /** `stays`: who starts the server has named it; weights are fetched for nobody else. */
  private async load(wish: PairWish, stays: boolean, onProgress: ProgressListener | undefined): Promise<Interrogator> {
    const { names, config, device, onEvent } = this.options;
    const began = performance.now();
    const clip = names.find('clip', wish.clip);
    const caption = wish.caption === null ? null : names.find('caption', wish.caption);
    for (const model of [clip, caption]) if (model && !model.isInstalled && !stays) throw notInstalled(model.name);
    const wanted = [clip, caption].flatMap((model) => model ?? []);
    await this.makeRoom(wanted.map(({ kind, name, memory }) => ({ key: modelKey(kind, name), bytes: memory ?? 0 })));
    const before = this.weightBytes;
    const { ranking = config.ranking, compat = config.compat, chunkSize = config.chunkSize } = wish;
    const { flavorIntermediateCount = config.flavorIntermediateCount } = wish;
    const given = { ranking, compat, chunkSize, flavorIntermediateCount };
    const interrogator = await Interrogator.create(
      new Config({
        ...config,
        ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
        clipModelName: clip.source,
        captionModelName: caption?.source ?? null,
        device,
        quiet: true,
      }),
      { pool: this.pool, signal: this.ending.signal, ...(onProgress && { onProgress }) },
    );
    this.measure(wanted, interrogator.stats().device.weightBytes - before);
    onEvent('loaded', { clip: clip.name, caption: caption?.name ?? null, seconds: (performance.now() - began) / 1000 });
    if (wanted.some(({ isInstalled }) => !isInstalled)) await names.refresh();
    return interrogator;
  }

  private get weightBytes(): number {
    return this.deviceStats?.weightBytes ?? 0;
  }

  /** What was opened took so many bytes; of two at once each its share by what is known of them. */
  private measure(models: readonly { kind: BundleKind; name: string; memory: number | null }[], bytes: number): void {
    const fresh = models.filter(({ kind, name }) => !this.bytes.has(modelKey(kind, name)));
    const [only] = fresh;
    if (fresh.length === 1 && only && bytes > 0) this.bytes.set(modelKey(only.kind, only.name), bytes);
    if (fresh.length !== 2 || bytes <= 0) return;
    const known = fresh.reduce((sum, { memory }) => sum + (memory ?? 0), 0);
    for (const { kind, name, memory } of fresh) {
      this.bytes.set(modelKey(kind, name), known > 0 ? Math.round((bytes * (memory ?? 0)) / known) : bytes / 2);
    }
  }

  /** Closes what was used least lately until `wanted` fits; waits while all is in use. */
  private async makeRoom(wanted: readonly { key: string; bytes: number }[]): Promise<void> {
    const { memory } = this.options;
    for (;;) {
      const resident = new Set(this.open().flatMap(({ wish }) => keysOf(wish)));
      const needed = wanted
        .filter(({ key }) => !resident.has(key))
        .reduce((sum, { key, bytes }) => sum + (this.bytes.get(key) ?? bytes), 0);
      if (memory > 0 && needed > memory) {
        throw new Refusal(503, 'ERR_OUT_OF_MEMORY', `The model takes ${amount(needed)}; this server has ${amount(memory)} for models.`, {
          hint: 'Raise --memory, or ask for a smaller model.',
        });
      }
      const fits = memory === 0 || this.weightBytes + needed <= memory;
      if (fits && this.pairs.size <= MOST_PAIRS) return;
      const idle = this.open().filter((pair) => pair.isIdle && !pair.stays);
      const [oldest] = idle.sort((a, b) => a.usedAt - b.usedAt);
      if (oldest) await this.close(oldest);
      else if (fits) return;
      else if (this.open().every(({ stays }) => stays)) {
        throw new Refusal(503, 'ERR_OUT_OF_MEMORY', 'The models that the server was started with leave no memory for this one.', {
          hint: 'Raise --memory, or start the server with fewer models.',
        });
      } else await sleep(POLL_MS);
      this.requireOpen();
    }
  }

  private requireOpen(): void {
    if (this.ending.signal.aborted) throw new InterrogatorError('ERR_DISPOSED', 'The server is ending.');
  }

  private unloadIdle(): void {
    const before = performance.now() - this.options.keepAlive * 1000;
    for (const pair of this.open()) if (pair.isIdle && !pair.stays && pair.usedAt < before) this.close(pair).catch(() => {});
  }

  private async close(pair: Pair): Promise<void> {
    this.pairs.delete(pair.key);
    const interrogator = await pair.opening.catch(() => undefined);
    if (!interrogator) return;
    await interrogator.dispose();
    this.options.onEvent('unloaded', pair.wish);
  }
}

function notInstalled(name: string): Refusal {
  return new Refusal(404, 'ERR_WEIGHTS_NOT_FOUND', `${name} is not on the server's machine.`, {
    hint: `Fetch it first: POST /v1/models/pull, or on its machine npx torch-interrogator pull ${name}`,
  });
}

function modelKey(kind: BundleKind, name: string): string {
  return `${kind} ${name}`;
}

function keysOf({ clip, caption }: PairWish): string[] {
  return [modelKey('clip', clip), ...(caption === null ? [] : [modelKey('caption', caption)])];
}

function amount(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
