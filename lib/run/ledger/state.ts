/** The state folder of a run: `.torch-interrogator` beside the output, with the ledger, the features, a lock and how far the run is. */
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import { isAlive, machine, tryLock } from '../../files/lock';
import { stateFault } from '../disk-fault';
import type { RunProgress } from '../progress';
import type { RowError } from '../row';
import { Ledger } from './ledger';

export const STATE_FOLDER = '.torch-interrogator';
const LOCK_FILE = 'lock';
const STATUS_FILE = 'status.json';

/** What a run says of itself for others to read, while it runs and after it. */
export interface RunStatus extends RunProgress {
  /** Of its process, on the machine `host`. */
  pid: number;
  host: string;
  /** Where `pid` means this process: a machine since it was started, and a container. */
  machine: string;
  /** When this was written: ISO 8601. */
  at: string;
  /** 'interrupted': it was told to stop, or its caller had enough. 'failed': `error` ended it. */
  state: 'running' | 'ended' | 'interrupted' | 'failed';
  /** What ended it, of a run that failed. */
  error?: RowError;
}

/** A state folder that this process holds. */
export class RunState {
  private constructor(
    readonly folder: string,
    readonly ledger: Ledger,
    private readonly unlock: () => Promise<void>,
  ) {}

  /** Makes the folder where it is not there. Rejects with ERR_IO, also where another run works in it. */
  static async open(folder: string, signal?: AbortSignal): Promise<RunState> {
    const lock = path.join(folder, LOCK_FILE);
    let unlock: (() => Promise<void>) | undefined;
    try {
      await mkdir(folder, { recursive: true });
      unlock = await tryLock(lock, { signal });
    } catch (error) {
      throw stateFault(folder, error);
    }
    if (!unlock) throw await busy(folder);
    try {
      return new RunState(folder, await Ledger.open(folder, signal ? { signal } : {}), unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Whole: who reads it sees the old or the new one. What cannot be written is not worth the run's end. */
  async tell(status: RunStatus): Promise<void> {
    const file = path.join(this.folder, STATUS_FILE);
    const temporary = `${file}.tmp`;
    const text = `${JSON.stringify(status)}\n`;
    try {
      await writeFile(temporary, text);
      await rename(temporary, file);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
      // Of a full disk, too, people are to read that it ended the run.
      if (status.state !== 'running') await overwrite(file, text).catch(() => {});
    }
  }

  /** Gives the folder back. The ledger is closed by then. */
  async close(): Promise<void> {
    await this.unlock().catch(() => {});
  }
}

/** In the room that the file has already. */
async function overwrite(file: string, text: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.write(text, 0);
    await handle.truncate(Buffer.byteLength(text));
  } finally {
    await handle.close();
  }
}

/** What the last run in a state folder said of itself; undefined where there was none. */
export async function readStatus(folder: string): Promise<RunStatus | undefined> {
  const text = await readFile(path.join(folder, STATUS_FILE), 'utf8').catch(() => undefined);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as RunStatus);
  } catch {
    return undefined;
  }
}

async function busy(folder: string): Promise<InterrogatorError> {
  const status = await readStatus(folder);
  const who = status?.state === 'running' ? `Process ${status.pid} on ${status.host}` : 'Another process';
  return new InterrogatorError('ERR_BUSY', `${who} runs with the state in ${folder}.`, {
    hint: `Wait for its end, look at it with: npx torch-interrogator status ${path.dirname(folder)}\nor name another state folder (--state DIR).`,
  });
}

/** A status with what became of the run since: 'broken off' where its process is no more, and had no time to say so. */
export type FoundStatus = Omit<RunStatus, 'state'> & { state: RunStatus['state'] | 'broken off' };

/** Of a state folder, or of the one in a folder of pictures or of an output; undefined where no run has left any. */
export async function readRunStatus(folder: string): Promise<FoundStatus | undefined> {
  for (const place of [path.join(folder, STATE_FOLDER), folder]) {
    const status = await readStatus(place);
    if (!status) continue;
    if (status.state !== 'running') return status;
    // Of a process of another machine its lock tells, which it touches every second.
    const touched = await stat(path.join(place, LOCK_FILE)).catch(() => undefined);
    const isHere = status.machine === machine();
    const lives = isHere
      ? isAlive(status.pid) && touched !== undefined
      : touched !== undefined && Date.now() - touched.mtimeMs < SILENCE_MS;
    return { ...status, state: lives ? 'running' : 'broken off' };
  }
  return undefined;
}

/** Clocks of machines differ. */
const SILENCE_MS = 60_000;
