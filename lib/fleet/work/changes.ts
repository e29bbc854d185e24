/** Hears of runs that change: one connection that waits for the next word. */
import { pause } from '../../abort';
import type { Fleet } from '../redis/connect';
import { within } from '../redis/within';

/** Redis answers after so long, word or not. */
const BLOCK_MS = 5000;
/** An answer that is so late does not come any more: the connection is dead, and does not know it. */
const DEAD_MS = 15_000;
/** Words that come together are told of once. */
const LEAST_MS = 500;

export class Changes {
  private readonly ending = new AbortController();
  private last = '$';

  constructor(
    private readonly fleet: Fleet,
    private readonly heard: () => void,
  ) {}

  start(): void {
    void this.listen();
  }

  close(): void {
    this.ending.abort();
  }

  private async listen(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      const connection = this.fleet.connection();
      const leave = (): void => connection.disconnect();
      signal.addEventListener('abort', leave, { once: true });
      let isAlive = true;
      while (isAlive && !signal.aborted) {
        isAlive = false;
        const reading = connection.xread('BLOCK', BLOCK_MS, 'STREAMS', this.fleet.key('changes'), this.last).then(
          (found) => {
            isAlive = true;
            const entries = found?.[0]?.[1] ?? [];
            this.last = entries.at(-1)?.[0] ?? this.last;
            if (entries.length > 0) this.heard();
          },
          () => {},
        );
        await within(reading, DEAD_MS, signal);
        await pause(LEAST_MS * (0.75 + Math.random() / 2), signal).catch(() => {});
      }
      signal.removeEventListener('abort', leave);
      connection.disconnect();
    }
  }
}
