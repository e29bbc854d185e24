/** The state folder of a run: `.torch-interrogator` beside the output, with the ledger, the features, a lock and how far the run is. */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import { isAlive, tryLock } from '../../files/lock';
import { stateFault } from '../disk-fault';
import type { RunProgress } from '../progress';
import { Ledger } from './ledger';

export const STATE_FOLDER = '.torch-interrogator';
const LOCK_FILE = 'lock';
const STATUS_FILE = 'status.json';

/** What a run says of itself for others to read, while it runs and after it. */
export interface RunStatus extends RunProgress {
  /** Of its process, on the machine `host`. */
  pid: number;
  host: string;
  /** When this was written: ISO 8601. */
  at: string;
  /** It came to its end, or was told to stop. */
  ended: boolean;
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
    await writeFile(temporary, `${JSON.stringify(status)}\n`)
      .then(() => rename(temporary, file))
      .catch(() => {});
  }

  async close(): Promise<void> {
    try {
      await this.ledger.close();
    } finally {
      await this.unlock().catch(() => {});
    }
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
  const who = status && !status.ended ? `Process ${status.pid} on ${status.host}` : 'Another process';
  return new InterrogatorError('ERR_BUSY', `${who} runs with the state in ${folder}.`, {
    hint: `Wait for its end, look at it with: npx torch-interrogator status ${path.dirname(folder)}\nor name another state folder (--state DIR).`,
  });
}

/** A status with what became of the run since. */
export type FoundStatus = RunStatus & { state: 'running' | 'ended' | 'broken off' };

/** Of a state folder, or of the one in a folder of pictures or of an output; undefined where no run has left any. */
export async function readRunStatus(folder: string): Promise<FoundStatus | undefined> {
  for (const place of [path.join(folder, STATE_FOLDER), folder]) {
    const status = await readStatus(place);
    if (!status) continue;
    if (status.ended) return { ...status, state: 'ended' };
    // Of a process of another machine its lock tells, which it touches every second.
    const touched = await stat(path.join(place, LOCK_FILE)).catch(() => undefined);
    const isHere = status.host === hostname();
    const lives = isHere
      ? isAlive(status.pid) && touched !== undefined
      : touched !== undefined && Date.now() - touched.mtimeMs < SILENCE_MS;
    return { ...status, state: lives ? 'running' : 'broken off' };
  }
  return undefined;
}

/** Clocks of machines differ. */
const SILENCE_MS = 60_000;
