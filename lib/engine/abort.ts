/** Abort signals on their way down: a native token that they cancel, and waits that they end. */
import { AbortError, throwIfAborted } from '../errors';
import type { NativeBinding, NativeCancelToken } from '../native/types';

/** Runs `work` with a native token that the signal cancels. The listener never outlives the work. */
export async function withCancelToken<T>(
  binding: NativeBinding,
  signal: AbortSignal | undefined,
  work: (token: NativeCancelToken) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const token = binding.createCancelToken();
  const cancel = (): void => token.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await work(token);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Waits for a promise that others may share: the signal ends this wait, not the work. */
export async function abandonable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    // Nobody hears how it ends, which must not count as an unhandled rejection.
    promise.catch(() => {});
    throw new AbortError(signal.reason);
  }
  let abandon = (): void => {};
  const abandoned = new Promise<never>((_, reject) => {
    abandon = () => reject(new AbortError(signal.reason));
    signal.addEventListener('abort', abandon, { once: true });
  });
  try {
    return await Promise.race([promise, abandoned]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}
