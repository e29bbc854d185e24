/** A sign of life of submissions: nobody is to wait for pictures of one that has ended without a word. */
import type { Fleet } from '../redis/connect';

const EVERY_MS = 15_000;
/** The sign outlives its last renewal by so long. */
const KEPT_MS = 60_000;

/** Says of one run that its pictures are still being listed, until end(). */
export class SubmissionLife {
  private timer: NodeJS.Timeout | undefined;
  private leave = (): void => {};
  private isEnded = false;

  /** `everyMs`: milliseconds from one renewal to the next. Default 15,000. */
  constructor(
    private readonly fleet: Fleet,
    private readonly id: string,
    private readonly everyMs = EVERY_MS,
  ) {}

  /** Resolves when Redis knows. */
  async begin(): Promise<void> {
    await setSign(this.fleet, this.id);
    this.timer = setInterval(() => this.renew(), this.everyMs).unref();
    // While Redis was away, the sign may have gone.
    this.leave = this.fleet.onReach((isReached) => {
      if (isReached) this.renew();
    });
  }

  /** Where Redis is away, the sign goes by itself. */
  async end(): Promise<void> {
    this.isEnded = true;
    clearInterval(this.timer);
    this.leave();
    const { redis } = this.fleet;
    if (redis.status === 'ready') await redis.del(keyOf(this.fleet, this.id)).catch(() => {});
  }

  private renew(): void {
    // Without a connection it would wait, and then come all at once. One that fails is followed by the next.
    if (!this.isEnded && this.fleet.redis.status === 'ready') void setSign(this.fleet, this.id).catch(() => {});
  }
}

/** Whether the submission of this run lives. Its sign stays for a minute after a process that was killed. */
export async function isSubmitted(fleet: Fleet, id: string): Promise<boolean> {
  return (await fleet.redis.exists(keyOf(fleet, id))) === 1;
}

async function setSign(fleet: Fleet, id: string): Promise<void> {
  await fleet.redis.set(keyOf(fleet, id), '1', 'PX', KEPT_MS);
}

function keyOf(fleet: Fleet, id: string): string {
  return fleet.key('run', id, 'submitting');
}
