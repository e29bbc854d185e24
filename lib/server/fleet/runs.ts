/** The runs of a fleet, as routes show and control them. */

import type { Fleet } from '../../fleet/redis/connect';
import { listWorkers } from '../../fleet/redis/workers';
import { cancelRun, listRuns, pauseRun, type RunView, readRun, removeRun, resumeRun, retryRun } from '../../fleet/runs/control';
import { InterrogatorError } from '../../index';
import { Refusal } from '../answers/refusal';
import type { FleetWorker, Run } from '../contract/runs';
import type { FleetLink } from './link';

export type RunAction = 'pause' | 'resume' | 'cancel' | 'retry' | 'remove';

/** Pages ask again and again, and several may be open. */
const FRESH_MS = 500;
/** Results may have to be removed from far away. */
const CONTROL_MS = 30_000;

const ACTIONS: Readonly<Record<RunAction, (fleet: Fleet, id: string) => Promise<unknown>>> = {
  pause: pauseRun,
  resume: resumeRun,
  cancel: cancelRun,
  remove: removeRun,
  retry: async (fleet, id) => {
    if ((await retryRun(fleet, id)) > 0 || (await readRun(fleet, id)).endedAt === undefined) return;
    throw conflict(`Nothing of the run ${id} has failed.`);
  },
};

export class FleetRuns {
  private listed: { at: number; runs: Promise<Run[]> } | undefined;

  constructor(private readonly link: FleetLink) {}

  /** Newest first. */
  list(): Promise<Run[]> {
    const now = performance.now();
    if (this.listed && now - this.listed.at < FRESH_MS) return this.listed.runs;
    const runs = this.link.use(async (fleet) => (await listRuns(fleet)).map(shownRun));
    this.listed = { at: now, runs };
    runs.catch(() => {
      this.listed = undefined;
    });
    return runs;
  }

  /** Rejects with ERR_RUN_NOT_FOUND. */
  read(id: string): Promise<Run> {
    return this.link.use(async (fleet) => shownRun(await readRun(fleet, id)));
  }

  /** Rejects with ERR_RUN_NOT_FOUND, and with a Refusal of 409 for what is not possible now. */
  async change(id: string, action: RunAction): Promise<void> {
    this.listed = undefined;
    try {
      await this.link.use((fleet) => ACTIONS[action](fleet, id), CONTROL_MS);
    } catch (error) {
      if (!(error instanceof InterrogatorError) || error.code !== 'ERR_INVALID_ARGUMENT') throw error;
      throw conflict(error.problem, error.hint);
    } finally {
      this.listed = undefined;
    }
  }

  workers(): Promise<FleetWorker[]> {
    return this.link.use(async (fleet) => {
      const workers = await listWorkers<WorkerFields>(fleet);
      return workers.map(({ id, age, isAlive, info: { host, pid, version, since, runs, places = null } }) => ({
        ...{ id, host, pid, version, isAlive, places, age: age / 1000 },
        startedAt: new Date(since).toISOString(),
        shards: runs?.shards ?? null,
        pictures: runs?.pictures ?? null,
        failed: runs?.failed ?? null,
      }));
    });
  }
}

/** What workers say of themselves besides WorkerInfo. */
interface WorkerFields {
  runs?: { pictures: number; failed: number; shards: number };
  places?: number;
}

export function shownRun({ devices, summary, seconds, rate, ...view }: RunView): Run {
  const failures = (summary?.failures ?? []).map(({ code, hint, count, examples }) => ({
    code,
    count,
    ...(hint !== undefined && { hint }),
    examples: examples.map(({ name, error }) => ({ name, message: error.message })),
  }));
  return {
    ...view,
    refusals: { ...view.refusals },
    ...{ seconds, rate, failures },
    workers: [...devices],
    written: [...(summary?.written ?? [])],
  };
}

function conflict(problem: string, hint?: string): Refusal {
  return new Refusal(409, 'ERR_CONFLICT', problem, { hint });
}
