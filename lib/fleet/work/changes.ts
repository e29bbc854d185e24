/** Hears of runs that change: one connection that waits for the next word. */
import { pause } from '../../abort';
import type { Fleet } from '../redis/connect';

/** Redis answers after so long, word or not. */
const BLOCK_MS = 5000;
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

  /** Never rejects. Where Redis is lost, the connection waits for it. */
  private async listen(): Promise<void> {
    const { signal } = this.ending;
    const connection = this.fleet.connection();
    const leave = (): void => connection.disconnect();
    signal.addEventListener('abort', leave, { once: true });
    while (!signal.aborted) {
      const found = await connection.xread('BLOCK', BLOCK_MS, 'STREAMS', this.fleet.key('changes'), this.last).catch(() => undefined);
      const entries = found?.[0]?.[1] ?? [];
      this.last = entries.at(-1)?.[0] ?? this.last;
      if (entries.length > 0 && !signal.aborted) this.heard();
      await pause(LEAST_MS * (0.75 + Math.random() / 2), signal).catch(() => {});
    }
  }
}
