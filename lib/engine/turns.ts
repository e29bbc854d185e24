import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../errors';

/** The longest stretch of work before others get a turn. Design: event loop delay p99 < 10 ms. */
const SLICE_MS = 4;

/** What `work` makes of each, with turns for others in between. */
export async function inTurns<I, O>(items: Iterable<I>, signal: AbortSignal | undefined, work: (item: I) => O | Promise<O>): Promise<O[]> {
  const done: O[] = [];
  let sliceEnd = performance.now() + SLICE_MS;
  for (const item of items) {
    done.push(await work(item));
    if (performance.now() < sliceEnd) continue;
    await setImmediate();
    throwIfAborted(signal);
    sliceEnd = performance.now() + SLICE_MS;
  }
  return done;
}
