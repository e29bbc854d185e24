/** A lock file that processes agree on: made by its holder, touched as long as the holder lives, removed by the holder. */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { pause } from '../abort';
import { throwIfAborted } from '../errors';

const TOUCH_MS = 1000;
const LOOK_MS = 250;
/** A lock that nobody touches for so long has no holder any more, however busy the machine is. */
const PATIENCE_MS = 15_000;

export interface LockOptions {
  /** Called each time when another one was found to hold the lock. */
  onWait?: (() => unknown) | undefined;
  /** Ends the wait at once. */
  signal?: AbortSignal | undefined;
}

/**
 * Waits for the lock and takes it. Resolves with what gives it back. Rejects with what the file system says, or with AbortError.
 */
export async function acquireLock(file: string, { onWait, signal }: LockOptions = {}): Promise<() => Promise<void>> {
  let seen = '';
  let since = Number.POSITIVE_INFINITY;
  for (;;) {
    throwIfAborted(signal);
    const release = await take(file);
    if (release) return release;
    await onWait?.();
    throwIfAborted(signal);
    // Changes are timed by this process's own clock: clocks of machines that share the folder may differ.
    const state = await identify(file);
    if (await isHolderDead(file)) {
      await removeStale(file, state);
      continue;
    }
    if (state !== seen) {
      seen = state;
      since = performance.now();
    } else if (performance.now() - since > PATIENCE_MS) {
      await removeStale(file, state);
    }
    await pause(LOOK_MS, signal);
  }
}

/**
 * Takes the lock where nobody has it; undefined where a living process does. A lock of another machine, which shares the folder, is watched
 * until its holder touches it, or has not for so long that there is none. Rejects with what the file system says, or with AbortError.
 */
export async function tryLock(
  file: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<(() => Promise<void>) | undefined> {
  const controller = new AbortController();
  const before = await identify(file);
  let isHeld = false;
  const onWait = async (): Promise<void> => {
    const { where, id } = await holderOf(file);
    isHeld = where === machine() ? id !== undefined && isAlive(id) : (await identify(file)) !== before;
    if (isHeld) controller.abort();
  };
  try {
    return await acquireLock(file, { onWait, signal: signal ? AbortSignal.any([signal, controller.signal]) : controller.signal });
  } catch (error) {
    throwIfAborted(signal);
    if (isHeld) return undefined;
    throw error;
  }
}

/** Who holds a lock, as far as its file says. */
export async function holderOf(file: string): Promise<{ where?: string; id?: number }> {
  const [, where, id] = /^(\S+) (\d+)\n$/.exec(await readFile(file, 'utf8').catch(() => '')) ?? [];
  return where === undefined ? {} : { where, id: Number(id) };
}

async function take(file: string): Promise<(() => Promise<void>) | undefined> {
  const handle = await open(file, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  if (!handle) return undefined;
  // Where this fails, say because the disk is full, the lock still holds.
  await handle.write(`${machine()} ${process.pid}\n`).catch(() => {});
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

/** The holder was a process of this machine that is no more. Of others only time tells. */
async function isHolderDead(file: string): Promise<boolean> {
  const { where, id } = await holderOf(file);
  return where === machine() && id !== undefined && !isAlive(id);
}

/** Whether this machine has a process of that number. One of another user's is alive, too. */
export function isAlive(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

let known: string | undefined;

/** Where a process's number means what it means here: this machine since it was started, and this container. */
export function machine(): string {
  if (known === undefined) {
    const parts = [
      hostname,
      () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      () => readlinkSync('/proc/self/ns/pid'),
    ].map((part) => {
      try {
        return part();
      } catch {
        // Not on Linux.
        return '';
      }
    });
    known = parts.join('/').replaceAll(/\s/g, '');
  }
  return known;
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
