/** A worker's work on a run's merge. */
import path from 'node:path';
import { hasCode, toInterrogatorError } from '../../../errors';
import { rowError } from '../../../run/row';
import type { MergeData } from '../../runs/queue';
import { openStore } from '../../store';
import { mergeRun } from './merge';
import { Later, pauseAfter } from './outcome';
import { MOST_FAULTS, type Taken, type Workplace } from './workplace';

const PROGRESS_MS = 1000;
/** Another run is at the same text files. */
const BUSY_MS = 5000;

/** Rejects with a Later, and with an AbortError. */
export async function workOnMerge(place: Workplace, { spec, queue, job, attempt, signal }: Taken): Promise<void> {
  const { records, log } = place;
  const { round } = job.data as MergeData;
  // Of another round, or of a run that was cancelled or merged meanwhile.
  if (!(await records.move(spec.id, { from: ['running', 'merging'], to: 'merging', round }))) return;
  let told = 0;
  try {
    const store = await openStore(spec.state);
    try {
      const summary = await mergeRun({
        record: await records.read(spec.id),
        records,
        queue,
        store,
        folder: path.join(place.folder, spec.id, `merge-${attempt}`),
        signal,
        onProgress: (merged) => {
          if (performance.now() - told < PROGRESS_MS) return;
          told = performance.now();
          void job.updateProgress({ merged, worker: place.id }).catch(() => {});
        },
      });
      const fields = { summary: JSON.stringify(summary) };
      if (!(await records.move(spec.id, { from: ['merging'], to: 'ended', round, fields }))) return;
      // Without failures nobody asks for the shards any more.
      if (summary.failed === 0) await store.remove('shards/').catch(() => {});
      log({ event: 'merged', run: spec.id, pictures: summary.total, failed: summary.failed });
    } finally {
      store.close();
    }
  } catch (cause) {
    await records.move(spec.id, { from: ['merging'], to: 'running', round });
    if (signal.aborted || hasCode(cause, 'ERR_ABORTED')) throw cause;
    const error = toInterrogatorError(cause);
    log({ event: 'failed', run: spec.id, message: error.message });
    await records.trouble(spec.id, error.message);
    if (hasCode(cause, 'ERR_BUSY')) throw new Later(BUSY_MS);
    const faults = await records.fault(spec.id, `merge-${round}`, attempt);
    if (faults < MOST_FAULTS) throw new Later(pauseAfter(faults));
    await records.move(spec.id, { from: ['running'], to: 'failed', round, fields: { error: JSON.stringify(rowError(error)) } });
  }
}
