/** A server that has too much to do says when to come again. */
import { shownError } from './request';

const TRIES = 6;
const LONGEST_WAIT_S = 30;

export interface Patience {
  /** Ends the waiting too. */
  signal?: AbortSignal;
  onWait?: (seconds: number) => void;
}

/** Sends again after the wait that the server asks for, a few times. */
export async function patiently<T>(send: () => Promise<T>, { signal, onWait }: Patience = {}): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      const seconds = shownError(error)?.retryAfter;
      if (seconds === undefined || tries >= TRIES) throw error;
      onWait?.(seconds);
      await pause(Math.min(LONGEST_WAIT_S, seconds) * 1000, signal);
    }
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('Aborted', 'AbortError'));
    });
  });
}
