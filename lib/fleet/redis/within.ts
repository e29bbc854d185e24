/** Waits that end: without Redis commands wait for it as long as it is away. */
import { pause } from '../../abort';

/** Until the work has ended, well or not, but no longer. No timer is left of it. */
export async function within(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([work.catch(() => {}), pause(milliseconds, over.signal).catch(() => {})]);
  over.abort();
}
