/** A server's way to the runs of a fleet: a connection that is made when it can be, and never waited for for long. */
import { onAbort } from '../../abort';
import { Fleet, type FleetAddress } from '../../fleet/redis/connect';
import { AbortError, InterrogatorError } from '../../index';
import { Refusal } from '../answers/refusal';

/** What Redis does not do within so long, it does not do for a person who waits. */
const PATIENCE_MS = 4000;
/** How long the start of a server without a Redis keeps others from the next try. */
const RETRY_SECONDS = 2;

export interface FleetLinkOptions extends FleetAddress {
  /** Told what is not well with the Redis: once of each. */
  warn(message: string): void;
}

export interface During<T> {
  signal: AbortSignal;
  /** Takes back what was made when nobody waited for it any more. Must not reject. */
  undo(made: T): Promise<void>;
  patienceMs?: number;
}

export class FleetLink implements Disposable {
  private opening: Promise<Fleet> | undefined;
  private isClosed = false;
  private readonly told = new Set<string>();

  constructor(private readonly options: FleetLinkOptions) {}

  /** Rejects with a Refusal of 503 where Redis cannot be reached, or cannot carry a fleet; another call tries again. */
  async open(): Promise<Fleet> {
    if (this.isClosed) throw unreachable();
    this.opening ??= this.connect();
    const fleet = await this.opening;
    // What is asked for without a connection would be done later, when nobody wants it any more.
    if (fleet.redis.status !== 'ready') throw unreachable();
    return fleet;
  }

  /** What `work` resolves with. Rejects as open() does, also where the connection is lost on the way. */
  async use<T>(work: (fleet: Fleet) => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(unreachable()), patienceMs);
    });
    try {
      return await Promise.race([this.open().then(work), tooLong]);
    } catch (error) {
      throw this.shown(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * As use(), for what may rightly take long: the patience is for a lost Redis alone. The signal that `work` is given fires when the patience
   * ends, and when `signal` does; while Redis is lost, neither waits for the work. What the work comes to later is given to `undo`.
   */
  async during<T>(work: (fleet: Fleet, signal: AbortSignal) => Promise<T>, { signal, undo, patienceMs }: During<T>): Promise<T> {
    const fleet = await this.open();
    const ending = new AbortController();
    let isReached = true;
    let timer: NodeJS.Timeout | undefined;
    let leave = (): void => {};
    const givenUp = new Promise<never>((_, reject) => {
      const giveUp = (reason: unknown): void => {
        ending.abort(reason);
        if (!isReached) reject(new AbortError(reason));
      };
      const lost = (): void => {
        isReached = false;
        if (signal.aborted) giveUp(signal.reason);
        else timer ??= setTimeout(() => giveUp(unreachable()), patienceMs ?? PATIENCE_MS);
      };
      const forget = onAbort(signal, () => giveUp(signal.reason));
      if (signal.aborted) giveUp(signal.reason);
      const stop = fleet.onReach((isBack) => {
        if (!isBack) return lost();
        isReached = true;
        clearTimeout(timer);
        timer = undefined;
      });
      leave = (): void => {
        clearTimeout(timer);
        forget();
        stop();
      };
    });
    const made = work(fleet, ending.signal);
    try {
      return await Promise.race([made, givenUp]);
    } catch (error) {
      // Commands that wait for a lost Redis are done when it is back.
      made.then(undo, () => {});
      throw this.shown(error);
    } finally {
      leave();
    }
  }

  [Symbol.dispose](): void {
    this.isClosed = true;
    this.opening?.then((fleet) => fleet.close()).catch(() => {});
  }

  private async connect(): Promise<Fleet> {
    const { url, prefix } = this.options;
    try {
      const fleet = await Fleet.connect({ url, ...(prefix !== undefined && { prefix }) });
      // Now rather than with the first run: loading it holds the event loop for 75 ms.
      require('bullmq');
      for (const warning of fleet.warnings) this.tell(warning);
      return fleet;
    } catch (error) {
      this.opening = undefined;
      this.tell((error as Error).message);
      throw unreachable();
    }
  }

  /** Of a connection that the end of the server has closed, nobody is told in words of its own. */
  private shown(error: unknown): unknown {
    return error instanceof InterrogatorError || error instanceof Refusal || !this.isClosed ? error : unreachable();
  }

  private tell(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.options.warn(message);
  }
}

/** Where the Redis is, is told in the log alone. */
function unreachable(): Refusal {
  return new Refusal(503, 'ERR_REDIS', 'The Redis of the fleet cannot be reached, or cannot be used.', {
    hint: 'It is tried again; the log of the server says what is wrong.',
    retryAfter: RETRY_SECONDS,
  });
}
