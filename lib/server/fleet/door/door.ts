/** The way from a server without a device to the workers of a fleet: who is let in, and what is asked. */
import { onAbort } from '../../../abort';
import type { Fleet } from '../../../fleet/redis/connect';
import { Asker } from '../../../fleet/requests/asker';
import { Refusal } from '../../answers/refusal';
import { DeviceQueue, type Load } from '../../queue/device-queue';
import type { Caller } from '../../work/caller';
import type { DescribeWish } from '../../work/describe';
import { type Answer, type Calls, MOST_INLINE, type Report, type Returned, receivedRefusal } from '../wire';
import type { Blobs, Loan } from './blobs';
import { WorkersSeen, type WorkersSeenOptions } from './workers-seen';

export interface DoorOptions extends Omit<WorkersSeenOptions, 'onLook'> {
  maxWait: number;
  maxWaiting: number;
}

/** Arguments, with what has to be lent for them. */
type Arguments<C extends keyof Calls> = (loan: Loan) => Calls[C]['args'];

/** A request that was let in. */
export interface Seat extends Disposable {
  /** Has one unit of its load done, when it is its turn. */
  ask<C extends keyof Calls>(call: C, args: Arguments<C>, onDescription?: DescribeWish['onDescription']): Promise<Calls[C]['value']>;
}

export class Door {
  readonly workers: WorkersSeen;
  /** As before a device: it learns how long the workers together take, and lets so many in at a time as they have places. */
  readonly line: DeviceQueue;
  private readonly asking = new Set<AbortController>();

  private constructor(
    fleet: Fleet,
    private readonly asker: Asker,
    private readonly blobs: Blobs,
    private readonly options: DoorOptions,
  ) {
    const { maxWait, maxWaiting } = options;
    this.line = new DeviceQueue({ maxWait, maxWaiting, places: 0 });
    this.workers = new WorkersSeen(fleet, { ...options, onLook: () => this.look() });
  }

  /** Resolves when it has looked for workers. */
  static async open(fleet: Fleet, blobs: Blobs, options: DoorOptions): Promise<Door> {
    const door = new Door(fleet, await Asker.open(fleet), blobs, options);
    await door.workers.look();
    return door;
  }

  /** Requests that workers have, or are to take. */
  get waiting(): number {
    return this.asker.count;
  }

  /** Throws 503 where nobody is there to do it, and 429 where too much is ahead. */
  enter(caller: Caller, load: Load): Seat {
    const { hindrance } = this.workers;
    if (hindrance) throw hindrance;
    const ticket = this.line.admit(caller.id, load);
    const { waiting, waitSeconds } = this.line.counts;
    if (waiting > 0) caller.report({ stage: 'queue', done: 0, total: 1, seconds: waitSeconds });
    return {
      ask: (call, args, onDescription) =>
        this.underWay(caller, async (signal) => {
          const asked = performance.now();
          caller.trace.now('queue');
          return await ticket.run(signal, async () => {
            caller.times.queue += (performance.now() - asked) / 1000;
            return await this.send(caller, signal, call, args, onDescription);
          });
        }),
      [Symbol.dispose]: () => ticket[Symbol.dispose](),
    };
  }

  /** What takes no time of a device to speak of: it waits in no line. */
  ask<C extends keyof Calls>(caller: Caller, call: C, args: Arguments<C>): Promise<Calls[C]['value']> {
    const { hindrance } = this.workers;
    if (hindrance) return Promise.reject(hindrance);
    return this.underWay(caller, (signal) => this.send(caller, signal, call, args));
  }

  async close(): Promise<void> {
    this.workers.close();
    await this.asker.close();
  }

  /** The caller's signal ends it, and the end of all hope for a worker. */
  private async underWay<T>(caller: Caller, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const forget = onAbort(caller.signal, () => controller.abort(caller.signal.reason));
    if (caller.signal.aborted) controller.abort(caller.signal.reason);
    this.asking.add(controller);
    try {
      return await work(controller.signal);
    } finally {
      forget();
      this.asking.delete(controller);
      caller.trace.now(undefined);
    }
  }

  private async send<C extends keyof Calls>(
    caller: Caller,
    signal: AbortSignal,
    call: C,
    args: Arguments<C>,
    onDescription?: DescribeWish['onDescription'],
  ): Promise<Calls[C]['value']> {
    using loan = this.blobs.loan();
    const given = args(loan);
    const text = JSON.stringify(given);
    const body = {
      answerAt: loan.inbox(),
      ...(text.length <= MOST_INLINE ? { args: given } : { argsAt: loan.lend(Buffer.from(text)) }),
    };
    const began = performance.now();
    caller.trace.now('worker');
    const isWatched = caller.isWatched || onDescription !== undefined;
    const returned = (await this.asker.ask(
      { call, client: caller.id, isWatched, body },
      {
        signal,
        onProgress: (reports) => {
          for (const each of reports as readonly Report[]) {
            if ('description' in each) onDescription?.(each.description);
            else caller.report(each.progress);
          }
        },
      },
    )) as Returned;
    const answer = await answerOf(returned, loan);
    const { queue, inference, tokenization, load } = answer.times;
    const { times } = caller;
    // What the worker did not have it for, it was on its way or waited in Redis.
    times.queue += queue + Math.max(0, (performance.now() - began) / 1000 - answer.seconds);
    times.inference += inference;
    times.tokenization += tokenization;
    times.load += load;
    if (answer.refusal) throw receivedRefusal(answer.refusal);
    return answer.value as Calls[C]['value'];
  }

  private look(): void {
    this.line.offer(this.workers.places);
    const { aloneSince, hindrance } = this.workers;
    if (!hindrance || aloneSince === undefined || performance.now() - aloneSince < this.options.maxWait * 1000) return;
    // Accepted requests wait for a worker as long as others wait for their turn.
    for (const each of this.asking) each.abort(hindrance);
  }
}

async function answerOf(returned: Returned, loan: Loan): Promise<Answer> {
  if (!('isSent' in returned)) return returned;
  const text = await loan.received();
  if (text !== undefined) return JSON.parse(text) as Answer;
  throw new Refusal(502, 'ERR_RUNTIME', "A worker's answer did not arrive.", { retryAfter: 1 });
}
