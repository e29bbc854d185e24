/** All pictures, one after the other, in the modes that are looked at. */
import { signal } from '@preact/signals';
import { pictures } from '../../../pictures/pictures';
import { ask, stop } from './asks';
import { MODES, type Mode, type View } from './settings';

/** The server merges what comes together into one batch: a few at once are faster than one. */
const AT_ONCE = 4;

export interface Queue {
  done: number;
  failed: number;
  total: number;
}

/** null while none runs. */
export const queue = signal<Queue | null>(null);
let stopped = false;

export function modesOf(view: View): readonly Mode[] {
  return view === 'all' ? MODES : [view];
}

export async function askAll(view: View): Promise<void> {
  if (queue.peek()) return;
  stopped = false;
  const waiting = pictures.peek().flatMap((picture) => modesOf(view).map((mode) => ({ picture, mode })));
  queue.value = { done: 0, failed: 0, total: waiting.length };
  const work = async () => {
    for (let next = waiting.shift(); next && !stopped; next = waiting.shift()) {
      const { state, error } = await ask(next.picture, next.mode);
      // Without a server the others fail too.
      if (error?.code === 'ERR_CONNECTION') stopped = true;
      const before = queue.peek()!;
      queue.value = { ...before, done: before.done + 1, failed: before.failed + (state === 'failed' ? 1 : 0) };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  queue.value = null;
}

export function stopAll(view: View): void {
  stopped = true;
  for (const picture of pictures.peek()) for (const mode of modesOf(view)) stop(picture, mode);
}
