import { abandonable } from '../abort';
import { InterrogatorError } from '../errors';
import type { NativeCancelToken } from '../native/types';

export interface Closable {
  close(): Promise<void>;
}

/** One interrogator's part in a device or a model. */
export interface Lease<T> {
  readonly handle: T;
  /** Closes what nobody else has a lease of. More calls do nothing. */
  release(): Promise<void>;
}

interface LeaseOptions {
  signal?: AbortSignal | undefined;
  /** Ends the opening of what is not shared. */
  token?: NativeCancelToken;
}

interface Shared {
  opening: Promise<Closable>;
  /** Those who have it, or wait for it. */
  users: number;
}

/**
 * What interrogators of one process share: a device with its one queue, and each model once, however many interrogators pair it with
 * others. What the last of them leaves is closed. An interrogator joins with `Interrogator.create(config, { pool })`.
 */
export class ModelPool {
  private readonly shared = new Map<string, Shared>();

  /** @internal `key`: of two that can stand for each other, the same. One's abort ends its own wait: others may wait for the same. */
  async open<T extends Closable>(key: string, opening: () => Promise<T>, { signal }: LeaseOptions): Promise<Lease<T>> {
    const shared = this.shared.get(key) ?? { opening: opening(), users: 0 };
    this.shared.set(key, shared);
    shared.users += 1;
    let isHeld = true;
    const release = async (): Promise<void> => {
      if (!isHeld) return;
      isHeld = false;
      shared.users -= 1;
      if (shared.users > 0) return;
      if (this.shared.get(key) === shared) this.shared.delete(key);
      await (await shared.opening.catch(() => undefined))?.close();
    };
    try {
      return { handle: (await abandonable(shared.opening, signal)) as T, release };
    } catch (error) {
      // The closing of what may still be opening is not waited for.
      release().catch(() => {});
      throw error;
    }
  }

  /** @internal It is open, or being opened. */
  has(key: string): boolean {
    return this.shared.has(key);
  }
}

/** Of an interrogator without a pool: all is its own. */
export const UNSHARED = {
  async open<T extends Closable>(
    _key: string,
    opening: (token?: NativeCancelToken) => Promise<T>,
    { token }: LeaseOptions,
  ): Promise<Lease<T>> {
    const handle = await opening(token);
    return { handle, release: () => handle.close() };
  },
};

/** Models that change places on the device would be pulled away from under the others. */
export function refuseOffloads({ clipOffload, captionOffload }: { clipOffload: boolean; captionOffload: boolean }): void {
  if (!clipOffload && !captionOffload) return;
  throw new InterrogatorError('ERR_CONFIG', 'clipOffload and captionOffload: interrogators of a pool share their models.', {
    hint: 'Leave both false, or create the interrogator without a pool.',
  });
}
