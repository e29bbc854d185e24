import { onAbort } from '../abort';
import { throwIfAborted } from '../errors';
import type { NativeBinding, NativeCancelToken } from '../native/types';

/** Runs `work` with a native token that the signal cancels. The listener never outlives the work. */
export async function withCancelToken<T>(
  binding: NativeBinding,
  signal: AbortSignal | undefined,
  work: (token: NativeCancelToken) => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const token = binding.createCancelToken();
  const leave = onAbort(signal, () => token.cancel());
  try {
    return await work(token);
  } finally {
    leave();
  }
}
