/** How often and after which pauses a server is asked again. */
import { pause } from '../abort';
import { NetworkError } from './network-error';

export interface RetryOptions {
  /** Failures in a row before giving up. Default 6. */
  attempts?: number | undefined;
  /** The first pause between attempts, in milliseconds; about doubled each time. Default 500. */
  pause?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A server that asks for a longer pause is not waited for. */
const LONGEST_MS = 60_000;

export class RetryPolicy {
  private failures = 0;

  constructor(private readonly options: RetryOptions = {}) {}

  /** The server gave something: failures are counted from here. */
  renew(): void {
    this.failures = 0;
  }

  /** Waits as long as is right after this failure. Throws it where asking again helps nothing, or was tried often enough. */
  async after(failure: unknown): Promise<void> {
    const { attempts = 6, pause: first = 500, signal } = this.options;
    this.failures += 1;
    if (!(failure instanceof NetworkError) || !failure.isPassing || this.failures >= attempts) throw failure;
    // Many clients that one failure hit at once do not come back at once.
    const backOff = first * 2 ** (this.failures - 1) * (0.75 + Math.random() / 2);
    const wait = Math.max(backOff, failure.waitMs ?? 0);
    if (wait > LONGEST_MS) throw failure;
    await pause(wait, signal);
  }
}

/** The first success of `attempt`. */
export async function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const policy = new RetryPolicy(options);
  for (;;) {
    try {
      return await attempt();
    } catch (failure) {
      await policy.after(failure);
    }
  }
}
