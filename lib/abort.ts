/** Abort signals: what they end. */
import { AbortError, throwIfAborted } from './errors';

const heard = new WeakMap<EventTarget, Set<() => void>>();

/** The one listener of ours on any signal. */
function tell({ target: signal }: Event): void {
  const listeners = heard.get(signal as AbortSignal);
  for (const listener of listeners ?? []) listener();
  listeners?.clear();
}

/**
 * Calls `listener` when the signal fires; returns what takes it off again. All listeners of a signal share one of the signal's own: any
 * number of calls may be given the same signal, and Node warns of many.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return () => {};
  const listeners = heard.get(signal) ?? new Set();
  heard.set(signal, listeners);
  // Added where it is not there yet.
  signal.addEventListener('abort', tell, { once: true });
  // The same function may be given twice.
  const own = (): void => listener();
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) signal.removeEventListener('abort', tell);
  };
}

/** Waits for a promise that others may share: the signal ends this wait, not the work. */
export async function abandonable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  let leave = (): void => {};
  const abandoned = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(new AbortError(signal.reason));
    if (signal.aborted) giveUp();
    else leave = onAbort(signal, giveUp);
  });
  try {
    // Also where nobody waits any more, the race hears of the work's failure, which is then not an unhandled rejection.
    return await Promise.race([abandoned, promise]);
  } finally {
    leave();
  }
}

/** A pause that the signal ends at once, with AbortError. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      leave();
      resolve();
    }, milliseconds);
    const leave = onAbort(signal, () => {
      clearTimeout(timer);
      reject(new AbortError(signal?.reason));
    });
  });
}
