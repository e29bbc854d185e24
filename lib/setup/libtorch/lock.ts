/** A lock file that processes agree on: made by its holder, touched as long as the holder lives, removed by the holder. */
import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { AbortError } from '../../errors';

const TOUCH_MS = 1000;
const LOOK_MS = 250;
/** A lock that nobody touches for so long has no holder any more, however busy the machine is. */
const PATIENCE_MS = 15_000;
/** The same where the holder ran on this machine and its process has ended. */
const PATIENCE_AFTER_EXIT_MS = 3000;

export interface LockOptions {
  signal?: AbortSignal;
  /** Called each time when another process was found to hold the lock. */
  onWait?: () => void;
}

/** Waits for the lock and takes it. Resolves with what gives it back. Rejects with AbortError, or with what the file system says. */
export async function acquireLock(file: string, { signal, onWait }: LockOptions = {}): Promise<() => Promise<void>> {
  let seen = '';
  let since = 0;
  for (;;) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    const handle = await create(file);
    if (handle) return hold(file, handle);
    onWait?.();
    // Changes are timed by this process's own clock: clocks of machines that share the folder may differ.
    const state = await identify(file);
    if (state !== seen) {
      seen = state;
      since = performance.now();
    } else if (state && performance.now() - since > (await patience(file))) {
      await removeStale(file, state);
      continue;
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

async function create(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

async function hold(file: string, handle: FileHandle): Promise<() => Promise<void>> {
  await handle.writeFile(JSON.stringify({ pid: process.pid, host: os.hostname() }));
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

async function patience(file: string): Promise<number> {
  try {
    const { pid, host } = JSON.parse(await readFile(file, 'utf8')) as { pid: number; host: string };
    if (host === os.hostname()) process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return PATIENCE_AFTER_EXIT_MS;
  }
  return PATIENCE_MS;
}

/** The file is moved first: only one of those who wait can move it, and sees then whether it moved the one that it meant to. */
async function removeStale(file: string, state: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  const moved = await rename(file, aside).then(
    () => true,
    () => false,
  );
  if (!moved) return;
  // It was another's new lock: put back, unless a third one has the place.
  if ((await identify(aside)) !== state) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}
