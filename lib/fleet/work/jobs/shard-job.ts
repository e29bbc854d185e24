/** A worker's work on one shard: from the queue to the store, and into the run's counts. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { hasCode, toInterrogatorError } from '../../../errors';
import { InterrogatorError } from '../../../index';
import type { RunProgress } from '../../../run/progress';
import { type Row, rowError } from '../../../run/row';
import { redisFault } from '../../redis/connect';
import { addMerge } from '../../runs/queue';
import type { ShardEnd } from '../../runs/records';
import { readRows, type ShardSummary, shardName } from '../../runs/row-lines';
import { entriesOfShard, isFileOfMany, type ShardData } from '../../runs/shard-data';
import type { ResultStore } from '../../store';
import type { Lent } from '../interrogators';
import { agree } from './dependence';
import { writeFailed } from './failed-shard';
import { Later, pauseAfter } from './outcome';
import { runShard } from './shard';
import { Suspects } from './suspects';
import { MOST_FAULTS, type Taken, type Workplace } from './workplace';

/** Workers that died with a shard, whatever they were at, before it is given up. */
const MOST_DEATHS = 10;

/** Resolves with how the shard went. Rejects with a Later, with what is the worker's own fault, and with an AbortError. */
export async function workOnShard(place: Workplace, taken: Taken): Promise<ShardSummary> {
  const { spec, queue, job } = taken;
  const { records, stores } = place;
  const data = job.data as ShardData;
  const { shard, round } = data;
  const store = await stores.of(spec);
  const name = shardName(shard, round);
  // An attempt that nobody heard of any more may have come to its end.
  if (!(await store.has(name))) await makeResults(place, taken, store, name);
  const summary = await summaryOf(store, name);
  const { isLast } = await records.complete(spec.id, shard, round, await endOf(store, data, summary));
  if (isLast) await addMerge(queue, round === 0 ? 0 : (await records.read(spec.id)).round);
  if (!(await records.needsResults(spec.id))) await store.remove(name);
  return summary;
}

/** The shard's results into the store, unless others were faster. */
async function makeResults(place: Workplace, taken: Taken, store: ResultStore, name: string): Promise<void> {
  const { spec, job, attempt, signal } = taken;
  const { records } = place;
  const data = job.data as ShardData;
  const { shard, round } = data;
  const folder = path.join(place.folder, spec.id);
  const file = path.join(folder, `${shard}.${round}.${attempt}.jsonl`);
  const entries = entriesOfShard(data);
  const deaths = (await records.begin(spec.id, shard, round, attempt)) - 1;
  const state = path.join(folder, `${shard}.${round}`);
  let lent: Lent | undefined;
  let suspects: Suspects | undefined;
  try {
    await mkdir(folder, { recursive: true });
    const onProgress = (progress: RunProgress): void => void job.updateProgress(shown(progress, place.id)).catch(() => {});
    if (place.makeShard) await place.makeShard(spec, data, file, signal, onProgress);
    else if (deaths >= MOST_DEATHS) await writeFailed(file, entries, deadly(deaths));
    else {
      lent = await place.interrogators.lend(spec.config);
      const earlier = round === 0 ? undefined : await earlierRows(store, data, entries.length);
      suspects = await Suspects.of(records, spec.id, shard, deaths, attempt);
      const { interrogator } = lent;
      const { isBusy } = place;
      await runShard(
        { spec, entries, interrogator, folder: state, file, ...(earlier && { earlier }), suspects, isBusy, signal, onProgress },
        (depends) => agree(records, spec.id, depends),
      );
    }
  } catch (error) {
    const cause = redisFault(error);
    // Its process lives.
    await suspects?.leave();
    await records.giveBack(spec.id, shard, round, attempt);
    await rm(file, { force: true });
    // None of these is the shard's fault: models that this worker could not load, a Redis that refuses, a word to stop.
    if (!lent || signal.aborted || hasCode(cause, 'ERR_RUN_MISMATCH', 'ERR_ABORTED', 'ERR_REDIS')) throw cause;
    const faults = await records.fault(spec.id, `${shard}.${round}`, attempt);
    place.log({ event: 'failed', run: spec.id, shard, message: toInterrogatorError(cause).message });
    await records.trouble(spec.id, toInterrogatorError(cause).message);
    if (faults < MOST_FAULTS) throw new Later(pauseAfter(faults));
    await writeFailed(file, entries, rowError(toInterrogatorError(cause)));
  } finally {
    lent?.[Symbol.dispose]();
  }
  try {
    await store.putIfAbsent(name, file);
  } catch (cause) {
    // The store's fault, and nobody has died. What the pictures came to is kept here for the next attempt.
    await records.giveBack(spec.id, shard, round, attempt);
    throw cause;
  } finally {
    await rm(file, { force: true });
  }
  await rm(state, { recursive: true, force: true });
}

function deadly(deaths: number) {
  return rowError(
    new InterrogatorError('ERR_RUNTIME', `${deaths} workers have died with this picture's shard, whatever picture they were at.`, {
      hint: 'Look at the memory of the workers, and at their logs.',
    }),
  );
}

/** Of the round before, where each picture has a row; undefined for those that failed. */
async function earlierRows(store: ResultStore, data: ShardData, count: number): Promise<(Row | undefined)[] | undefined> {
  // What is in a file of many pictures is found again by reading all of it.
  if (isFileOfMany(data)) return undefined;
  const name = await lastName(store, data.shard, data.round);
  if (name === undefined) return undefined;
  const rows: (Row | undefined)[] = [];
  for await (const row of readRows(await store.read(name), name)) rows.push(row.error ? undefined : row);
  return rows.length === count ? rows : undefined;
}

/** What a shard adds to the run's counts; a further round what it changes. */
async function endOf(store: ResultStore, { shard, round }: ShardData, summary: ShardSummary): Promise<ShardEnd> {
  const { done, kept, failed, skipped, encoded, seconds } = summary;
  if (round === 0) return { change: { done, kept, failed, skipped, encoded, seconds }, failing: failed };
  const after = await tally(store, shardName(shard, round));
  const before = await lastName(store, shard, round);
  // Somebody has removed it. It is taken to have counted the same: the run's counts stay as they are.
  const earlier = before === undefined ? after : await tally(store, before);
  const change = { done: after.well - earlier.well, kept: 0, failed: after.failed - earlier.failed, skipped: 0, encoded, seconds };
  return { change, failing: after.failed };
}

/** Of the last round before this one that has results. */
async function lastName(store: ResultStore, shard: number, round: number): Promise<string | undefined> {
  for (let before = round - 1; before >= 0; before -= 1) {
    const name = shardName(shard, before);
    if (await store.has(name)) return name;
  }
  return undefined;
}

async function summaryOf(store: ResultStore, name: string): Promise<ShardSummary> {
  const rows = readRows(await store.read(name), name);
  for (;;) {
    const { done, value } = await rows.next();
    if (done) return value;
  }
}

async function tally(store: ResultStore, name: string): Promise<{ well: number; failed: number }> {
  const counts = { well: 0, failed: 0 };
  for await (const row of readRows(await store.read(name), name)) counts[row.error ? 'failed' : 'well'] += 1;
  return counts;
}

function shown({ done, kept, failed, skipped, encoded, rate }: RunProgress, worker: string) {
  return { done, kept, failed, skipped, encoded, rate, worker };
}
