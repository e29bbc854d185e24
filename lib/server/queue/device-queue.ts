/** The one door to a device: who is let in, who waits how long, and who is refused at once. */
import { onAbort } from '../../abort';
import { AbortError } from '../../index';
import { Refusal } from '../answers/refusal';
import { FairLine } from './fair-line';
import { ServiceTimes } from './service-times';

/** Estimates err: who is let in by this part of the bound hardly ever has to be refused later, when it has waited for nothing. */
const CERTAIN = 0.85;

export interface DeviceQueueOptions {
  /** Seconds of work that may be ahead of a request; one that would wait longer is refused. */
  maxWait: number;
  /** Requests that may wait, whatever their estimates say. */
  maxWaiting: number;
  /** Places on the device: enough for full passes. */
  places: number;
  /** Seconds, of a clock that never goes back. */
  now?: () => number;
}

/** What one request is going to ask of the device. */
export interface Load {
  /** Units of a kind take about the same time: a mode of a model. */
  kind: string;
  units: number;
  /** Places that a unit takes; a chain keeps the device busy by itself. */
  places: number;
}

export interface QueueCounts {
  running: number;
  waiting: number;
  /** Seconds of work that are ahead of a new client's request. */
  waitSeconds: number;
  admitted: number;
  refused: number;
}

export class DeviceQueue {
  private readonly line = new FairLine();
  private readonly times: ServiceTimes;
  private readonly tickets = new Set<Ticket>();
  private taken = 0;
  private running = 0;
  private admitted = 0;
  private refused = 0;
  private most: number;

  constructor(private readonly options: DeviceQueueOptions) {
    this.times = new ServiceTimes(options.now);
    this.most = options.places;
  }

  /** Places may come and go, with those who offer them. */
  offer(places: number): void {
    this.most = places;
    this.fill();
  }

  get counts(): QueueCounts {
    return {
      running: this.running,
      waiting: this.line.length,
      waitSeconds: this.ahead(undefined, 0),
      admitted: this.admitted,
      refused: this.refused,
    };
  }

  /**
   * Lets a request in, or throws 429 at once. The ticket must be closed.
   * A request is refused where nearly `maxWait` seconds of work are ahead of it: all of its own client's, and of each other client
   * no more than this one asks for itself, for they take turns.
   */
  admit(client: string, load: Load): Ticket {
    const cost = this.times.expect(load.kind) * load.units;
    const ahead = this.ahead(client, cost);
    const { maxWait, maxWaiting } = this.options;
    if (ahead > maxWait * CERTAIN || this.tickets.size >= maxWaiting) {
      this.refused += 1;
      throw busy(ahead, maxWait);
    }
    this.admitted += 1;
    const ticket: Ticket = new Ticket(client, load, {
      remaining: () => this.times.expect(load.kind),
      start: (unit, signal, work) => this.start(ticket, unit, signal, work),
      leave: () => void this.tickets.delete(ticket),
    });
    this.tickets.add(ticket);
    return ticket;
  }

  /** Seconds of work ahead of a request of this client; of nobody: all of it. */
  private ahead(client: string | undefined, cost: number): number {
    let own = 0;
    const others = new Map<string, number>();
    for (const ticket of this.tickets) {
      const left = ticket.secondsLeft;
      if (ticket.client === client) own += left;
      else others.set(ticket.client, (others.get(ticket.client) ?? 0) + left);
    }
    const turns = client === undefined ? Number.POSITIVE_INFINITY : own + cost;
    let ahead = own;
    for (const left of others.values()) ahead += Math.min(left, turns);
    // Those who share the device with it slow its own turn down, too.
    return ahead + (this.running > 1 ? (cost * (Math.min(this.running, Math.max(1, this.most)) - 1)) / 2 : 0);
  }

  /** One unit: waits for a place, then works. Rejects with an AbortError, or with 429 where it had to wait too long after all. */
  private async start<T>(ticket: Ticket, unit: Unit, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { kind } = ticket.load;
    const { places } = ticket.load;
    const cost = this.times.expect(kind);
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(new AbortError(signal.reason));
      const start = (): void => {
        forget();
        clearTimeout(timer);
        this.taken += places;
        this.running += 1;
        resolve();
      };
      const giveUp = (error: Error): void => {
        if (!leave()) return;
        forget();
        clearTimeout(timer);
        reject(error);
        this.fill();
      };
      const leave = this.line.wait(ticket.client, { cost, start });
      const forget = onAbort(signal, () => giveUp(new AbortError(signal.reason)));
      // Others came in between: what was estimated when it was let in does not hold any more.
      const timer = ticket.hasBegun
        ? undefined
        : setTimeout(() => ticket.hasBegun || giveUp(this.late()), this.options.maxWait * 1000).unref();
      this.fill();
    });
    ticket.hasBegun = true;
    unit.clock = this.times.begin(kind);
    let done = false;
    try {
      const result = await work();
      done = true;
      return result;
    } finally {
      unit.clock.end(done);
      this.running -= 1;
      this.taken -= places;
      this.fill();
    }
  }

  private late(): Refusal {
    this.refused += 1;
    return busy(this.options.maxWait, this.options.maxWait);
  }

  /** A unit that takes more places than are free is let in as long as some are: it is never passed by smaller ones. */
  private fill(): void {
    while (this.taken < this.most && this.line.startNext());
  }
}

function busy(ahead: number, maxWait: number): Refusal {
  const shown = ahead < 10 ? ahead.toFixed(1) : String(Math.round(ahead));
  return new Refusal(429, 'ERR_BUSY', `About ${shown} s of work are waiting; at most ${maxWait} s may.`, {
    hint: 'Try again after Retry-After, or raise --max-wait.',
    retryAfter: Math.max(1, Math.ceil(ahead - maxWait)),
  });
}

/** Work that a ticket is good for once. */
interface Unit {
  clock?: { served(): number; end(done: boolean): void };
}

interface Door {
  remaining(): number;
  start<T>(unit: Unit, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  leave(): void;
}

/** A request that was let in. */
export class Ticket implements Disposable {
  hasBegun = false;
  private readonly units = new Set<Unit>();
  /** Units that were not asked for yet. */
  private left: number;

  constructor(
    readonly client: string,
    readonly load: Load,
    private readonly door: Door,
  ) {
    this.left = load.units;
  }

  /** Of the device, as estimated. */
  get secondsLeft(): number {
    const each = this.door.remaining();
    let seconds = this.left * each;
    for (const { clock } of this.units) seconds += Math.max(0, each - (clock?.served() ?? 0));
    return seconds;
  }

  /** Does one unit of the load when it is its turn. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    this.left = Math.max(0, this.left - 1);
    const unit: Unit = {};
    this.units.add(unit);
    try {
      return await this.door.start(unit, signal, work);
    } finally {
      this.units.delete(unit);
    }
  }

  /** What was not done is not ahead of others any more. */
  [Symbol.dispose](): void {
    this.door.leave();
  }
}
