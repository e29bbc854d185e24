/** A fleet: workers on any number of machines, which share their work through a Redis. */
export { DEFAULT_PREFIX, Fleet, type FleetAddress, faultMessage, redisFault } from './redis/connect';
export { within } from './redis/within';
export { Heartbeat, listWorkers, type SeenWorker, type WorkerInfo } from './redis/workers';
export {
  cancelRun,
  limitTenant,
  listRuns,
  pauseRun,
  type RunView,
  readRun,
  removeRun,
  resumeRun,
  retryRun,
  watchRun,
} from './runs/control';
export { type SubmitOptions, submitRun } from './runs/submit';
export type { WorkerEvent } from './work/events';
export type { Lender, Lent } from './work/interrogators';
export { RunWorker, type RunWorkerOptions } from './work/run-worker';

import path from 'node:path';
import { cacheFolder } from '../index';

/** Where the workers of a machine keep label embeddings. */
export function labelsFolder(): string {
  return path.join(cacheFolder(), 'labels');
}
