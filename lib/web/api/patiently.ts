/** A server that has too much to do says when to come again. */
import { shownError } from './request';

const TRIES = 6;
const LONGEST_WAIT_S = 30;

/** Sends again after the wait that the server asks for, a few times. */
export async function patiently<T>(send: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      const seconds = shownError(error)?.retryAfter;
      if (seconds === undefined || tries >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_WAIT_S, seconds) * 1000));
    }
  }
}
