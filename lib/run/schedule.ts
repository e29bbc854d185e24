/** Work on many items at the same time, with results in the order of the items. */

export interface ScheduleOptions<I> {
  /** Items that are worked on at the same time. */
  active: number;
  /** Items that are begun and whose result was not taken: one that lasts must not stop those behind it. */
  window: number;
  /**
   * Bytes in memory that items hold until who took their results asks for the next one. No more items are asked for while they are `most`
   * or more: the one that was asked for last may be beyond.
   */
  held?: { most: number; of(item: I): number };
  /** No more items are begun once this fires; what is under way comes to its end. */
  stop: AbortSignal;
}

/** Settled work waits here for its turn. */
interface Begun<O> {
  bytes: number;
  result?: PromiseSettledResult<O>;
}

/** A failure of `work` ends the whole, when its turn has come; leaving the loop waits for what is under way. */
export async function* inOrder<I, O>(
  source: AsyncIterable<I>,
  { active, window, stop, held }: ScheduleOptions<I>,
  work: (item: I) => Promise<O>,
): AsyncGenerator<O, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  const begun: Begun<O>[] = [];
  const running = new Set<Promise<unknown>>();
  const most = held?.most ?? Number.POSITIVE_INFINITY;
  let bytes = 0;
  let pulling: Promise<void> | undefined;
  let exhausted = false;
  let failure: { error: unknown } | undefined;
  /** Nobody takes results any more. */
  let isLeft = false;
  let wake = (): void => {};

  const begin = (item: I): void => {
    const each: Begun<O> = { bytes: held?.of(item) ?? 0 };
    begun.push(each);
    bytes += each.bytes;
    const done = work(item)
      .then(
        (value) => {
          each.result = { status: 'fulfilled', value };
        },
        (reason: unknown) => {
          each.result = { status: 'rejected', reason };
        },
      )
      .then(() => {
        running.delete(done);
        wake();
      });
    running.add(done);
  };
  const pull = async (): Promise<void> => {
    try {
      const { done, value } = await items.next();
      if (done) exhausted = true;
      else if (!stop.aborted && !isLeft) begin(value);
    } catch (error) {
      failure = { error };
    }
    pulling = undefined;
    wake();
  };
  const leave = (): void => wake();
  stop.addEventListener('abort', leave);
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const hasRoom = running.size < active && begun.length < window && bytes < most;
      if (!exhausted && !failure && !stop.aborted && hasRoom) pulling ??= pull();
      const [first] = begun;
      if (first?.result) {
        begun.shift();
        if (first.result.status === 'rejected') throw first.result.reason;
        yield first.result.value;
        bytes -= first.bytes;
      } else if (begun.length === 0 && failure) {
        throw failure.error;
      } else if (begun.length === 0 && (exhausted || stop.aborted)) {
        return;
      } else {
        await woken;
      }
    }
  } finally {
    isLeft = true;
    stop.removeEventListener('abort', leave);
    await Promise.allSettled(running);
    // A source that still owes an item may never give it: it is told to end, and not waited for.
    if (!exhausted) {
      const closed = Promise.resolve(items.return?.()).catch(() => {});
      if (!pulling) await closed;
    }
  }
}
