/** Waits that end: without Redis commands wait for it as long as it is away. */
import { onAbort, pause } from '../../abort';

/** Until the work has ended, well or not, or the signal fires, but no longer. No timer is left of it. */
export async function within(work: Promise<unknown>, milliseconds: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const leave = onAbort(signal, () => over.abort());
  await Promise.race([work.catch(() => {}), pause(milliseconds, over.signal).catch(() => {})]);
  leave();
  over.abort();
}
