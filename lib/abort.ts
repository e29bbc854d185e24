/** Abort signals: what they end. */
import { AbortError } from './errors';

interface Heard {
  listeners: Set<() => void>;
  fire: () => void;
}

const heard = new WeakMap<AbortSignal, Heard>();

/**
 * Calls `listener` when the signal fires; returns what takes it off again. All listeners of a signal share one of the signal's own: any
 * number of calls may be given the same signal, and Node warns of many.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return () => {};
  const { listeners, fire } = heard.get(signal) ?? begin(signal);
  // The same function may be given twice.
  const own = (): void => listener();
  if (listeners.size === 0) signal.addEventListener('abort', fire, { once: true });
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) signal.removeEventListener('abort', fire);
  };
}

function begin(signal: AbortSignal): Heard {
  const listeners = new Set<() => void>();
  const fire = (): void => {
    for (const listener of listeners) listener();
    listeners.clear();
  };
  heard.set(signal, { listeners, fire });
  return { listeners, fire };
}

/** Waits for a promise that others may share: the signal ends this wait, not the work. */
export async function abandonable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    // Nobody hears how it ends, which must not count as an unhandled rejection.
    promise.catch(() => {});
    throw new AbortError(signal.reason);
  }
  let leave = (): void => {};
  const abandoned = new Promise<never>((_, reject) => {
    leave = onAbort(signal, () => reject(new AbortError(signal.reason)));
  });
  try {
    return await Promise.race([promise, abandoned]);
  } finally {
    leave();
  }
}
