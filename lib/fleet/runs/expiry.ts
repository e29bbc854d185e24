/** Runs that ended long ago are forgotten, with all that is left of them: their queues, and their results in the store. */
import { hasCode } from '../../errors';
import type { Fleet } from '../redis/connect';
import { removeRun } from './control';
import { KEPT_MS, RunRecords } from './records';

/** One worker of the fleet does it, so often. */
const EVERY_SECONDS = 3600;

/** Does nothing where another one did it within the hour. Resolves with the ids of the runs that were forgotten. */
export async function forgetOldRuns(fleet: Fleet): Promise<string[]> {
  const isOurs = await fleet.redis.set(fleet.key('forgetting'), '1', 'EX', EVERY_SECONDS, 'NX');
  if (!isOurs) return [];
  const forgotten: string[] = [];
  for (const { spec, endedAt } of await new RunRecords(fleet).list()) {
    if (endedAt === undefined || Date.now() - endedAt < KEPT_MS) continue;
    await removeRun(fleet, spec.id).catch((error) => {
      // Somebody has removed it, or tries it again.
      if (!hasCode(error, 'ERR_RUN_NOT_FOUND', 'ERR_INVALID_ARGUMENT')) throw error;
    });
    forgotten.push(spec.id);
  }
  return forgotten;
}
