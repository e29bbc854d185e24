/** A lock file that processes agree on: made by its holder, touched as long as the holder lives, removed by the holder. */
import { randomUUID } from 'node:crypto';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const TOUCH_MS = 1000;
const LOOK_MS = 250;
/** A lock that nobody touches for so long has no holder any more, however busy the machine is. */
const PATIENCE_MS = 15_000;

export interface LockOptions {
  /** Called each time when another one was found to hold the lock. */
  onWait?: () => void;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/**
 * Waits for the lock and takes it. Resolves with what gives it back. Rejects with what the file system says, and with Node.js's own
 * AbortError.
 */
export async function acquireLock(file: string, { onWait, signal }: LockOptions = {}): Promise<() => Promise<void>> {
  let seen = '';
  let since = Number.POSITIVE_INFINITY;
  for (;;) {
    const release = await take(file);
    if (release) return release;
    onWait?.();
    // Changes are timed by this process's own clock: clocks of machines that share the folder may differ.
    const state = await identify(file);
    if (state !== seen) {
      seen = state;
      since = performance.now();
    } else if (performance.now() - since > PATIENCE_MS) {
      await removeStale(file, state);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}

async function take(file: string): Promise<(() => Promise<void>) | undefined> {
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (!handle) return undefined;
  const touch = setInterval(() => void handle.utimes(new Date(), new Date()).catch(() => {}), TOUCH_MS).unref();
  const { ino } = await handle.stat();
  return async () => {
    clearInterval(touch);
    await handle.close();
    // One that was taken away, say from a process that was stopped for long, is another's now.
    if ((await stat(file).catch(() => undefined))?.ino === ino) await rm(file, { force: true });
  };
}

/** Changes whenever the holder touches the file, and with the holder. Empty where the file is gone. */
async function identify(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  return found ? `${found.ino} ${found.mtimeNs}` : '';
}

/** The file is moved first: only one of those who wait can move it, and sees then whether it moved the one that it meant to. */
async function removeStale(file: string, state: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
    // It was another's new lock: put back, unless a third one has the place.
    if ((await identify(aside)) !== state) await link(aside, file);
  } catch {
    // Another one who waits was faster.
  }
  await rm(aside, { force: true });
}
