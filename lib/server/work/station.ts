/** A device with its models and its queue; the work of the server is done at one of them. */
import type { Interrogator } from '../../index';
import type { Borrowed, ModelHost } from '../models/model-host';
import type { PairWish } from '../models/pair';
import type { DeviceQueue, Load, Ticket } from '../queue/device-queue';
import type { Caller } from './caller';

export interface Station {
  host: ModelHost;
  queue: DeviceQueue;
}

/** A request at a station: let in, with its models. */
export interface Seat extends Disposable {
  interrogator: Interrogator;
  /** Does one unit of the load when it is its turn. */
  run<T>(work: () => Promise<T>): Promise<T>;
}

export class Stations {
  constructor(readonly all: readonly Station[]) {}

  get first(): Station {
    return this.all[0] as Station;
  }

  /**
   * Lets a request in at the station with the least to do, and gets its models. Rejects with 429 at once where too much is ahead, and with
   * what ModelHost.borrow() rejects.
   */
  async enter(caller: Caller, wish: PairWish, load: Load): Promise<Seat> {
    const { host, queue } = this.leastBusy(wish);
    const ticket = queue.admit(caller.id, load);
    try {
      if (queue.counts.waiting > 0) caller.report({ stage: 'queue', done: 0, total: 1, seconds: queue.counts.waitSeconds });
      const asked = performance.now();
      const borrowed = await host.borrow(wish, caller.signal, caller.report);
      caller.times.load += (performance.now() - asked) / 1000;
      return {
        interrogator: borrowed.interrogator,
        run: (work) => runUnit(ticket, caller, work),
        [Symbol.dispose]: () => {
          borrowed[Symbol.dispose]();
          ticket[Symbol.dispose]();
        },
      };
    } catch (error) {
      ticket[Symbol.dispose]();
      throw error;
    }
  }

  /** The models alone, for what needs no device. */
  async lend(caller: Caller, wish: PairWish): Promise<Borrowed> {
    return this.leastBusy(wish).host.borrow(wish, caller.signal, caller.report);
  }

  /** One that has the models already goes before one that has not. */
  private leastBusy({ clip }: PairWish): Station {
    const rated = this.all.map((station) => ({
      station,
      seconds: station.queue.counts.waitSeconds,
      isThere: station.host.state('clip', clip) === 'resident',
    }));
    rated.sort((a, b) => Number(b.isThere) - Number(a.isThere) || a.seconds - b.seconds);
    return (rated[0] as (typeof rated)[number]).station;
  }
}

async function runUnit<T>(ticket: Ticket, { signal, times, trace }: Caller, work: () => Promise<T>): Promise<T> {
  const asked = performance.now();
  trace.now('queue');
  return ticket.run(signal, async () => {
    const began = performance.now();
    times.queue += (began - asked) / 1000;
    trace.now('decode');
    try {
      return await work();
    } finally {
      times.inference += (performance.now() - began) / 1000;
      trace.now(undefined);
    }
  });
}
