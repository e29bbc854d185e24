/** What a worker does with a job of a run: a shard of pictures, or the merge. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { hasCode, toInterrogatorError } from '../../errors';
import type { ErrorCode } from '../../index';
import type { RunProgress } from '../../run/progress';
import { type Row, rowError } from '../../run/row';
import type { Fleet } from '../redis/connect';
import { addMerge, type MergeData, type RunJob, type RunQueue } from '../runs/queue';
import type { RunRecords, ShardEnd } from '../runs/records';
import { readRows, type ShardSummary, shardName } from '../runs/row-lines';
import { entriesOfShard, type ShardData } from '../runs/shard-data';
import type { RunSpec } from '../runs/spec';
import { openStore, type ResultStore } from '../store';
import { agree } from './dependence';
import type { WorkerEvent } from './events';
import { writeFailed } from './failed-shard';
import type { Interrogators } from './interrogators';
import { mergeRun } from './merge';
import { runShard } from './shard';
import { Suspects } from './suspects';
import { takeTurn } from './tenant-limit';

export interface JobWorkOptions {
  fleet: Fleet;
  id: string;
  records: RunRecords;
  interrogators: Interrogators;
  folder: string;
  isBusy(): boolean;
  log(event: WorkerEvent): void;
  makeShard?: ShardMaker | undefined;
}

/** Works on a shard, and writes its results into the file. What is known of how far it is may be told about once a second. */
export type ShardMaker = (
  spec: RunSpec,
  data: ShardData,
  file: string,
  signal: AbortSignal,
  onProgress: (progress: RunProgress) => void,
) => Promise<void>;

/** Faults of the worker's machine: others may do better. */
const OF_WORKER: readonly ErrorCode[] = [
  'ERR_RUN_MISMATCH',
  'ERR_WEIGHTS_NOT_FOUND',
  'ERR_WEIGHTS_INVALID',
  'ERR_BUNDLE_NOT_FOUND',
  'ERR_BUNDLE_INVALID',
  'ERR_BUNDLE_VERSION',
  'ERR_BUNDLE_KIND',
  'ERR_BUNDLE_INCOMPLETE',
  'ERR_BUNDLE_DAMAGED',
  'ERR_MODEL_UNKNOWN',
  'ERR_VOCABULARY_NOT_FOUND',
  'ERR_VOCABULARY_INVALID',
  'ERR_TOKENIZER',
  'ERR_CONFIG',
  'ERR_DEVICE',
  'ERR_LIBTORCH_NOT_FOUND',
  'ERR_LIBTORCH_VERSION',
  'ERR_LIBTORCH_ABI',
  'ERR_LIBTORCH_CUDA',
  'ERR_ADDON_NOT_FOUND',
  'ERR_ADDON_LOAD',
];

interface Underway {
  run: string;
  /** Fires where the job is to be given back. */
  ending: AbortController;
}

export class JobWork {
  private readonly underway = new Set<Underway>();
  private pictures = 0;
  private failed = 0;

  constructor(private readonly options: JobWorkOptions) {}

  get stats(): { pictures: number; failed: number; shards: number } {
    return { pictures: this.pictures, failed: this.failed, shards: this.underway.size };
  }

  /** Gives back what is under way: of one run, or all. */
  giveUp(run?: string): void {
    for (const each of this.underway) if (run === undefined || each.run === run) each.ending.abort();
  }

  /** What is kept here of a run that has ended. */
  async forget(run: string): Promise<void> {
    await rm(path.join(this.options.folder, run), { recursive: true, force: true });
  }

  /** As a processor of BullMQ. `refuse`: this worker takes no part in the run. */
  async take(
    spec: RunSpec,
    queue: RunQueue,
    job: RunJob,
    token: string,
    signal: AbortSignal | undefined,
    refuse: (reason: string) => Promise<void>,
  ): Promise<unknown> {
    const ending = new AbortController();
    const underway = { run: spec.id, ending };
    this.underway.add(underway);
    const leave = (): void => ending.abort();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      if (job.name === 'merge') return await this.merge(spec, queue, job, ending.signal);
      await this.waitForTenant(spec, queue, job);
      return await this.shard(spec, queue, job, ending.signal);
    } catch (cause) {
      const isOfWorker = hasCode(cause, ...OF_WORKER);
      if (!isOfWorker && !(ending.signal.aborted && hasCode(cause, 'ERR_ABORTED'))) throw cause;
      if (isOfWorker) await refuse(toInterrogatorError(cause).message);
      this.options.log({ event: 'given back', run: spec.id, ...('shard' in job.data && { shard: job.data.shard }) });
      const { WaitingError } = require('bullmq') as typeof import('bullmq');
      await job.moveToWait(token);
      throw new WaitingError();
    } finally {
      signal?.removeEventListener('abort', leave);
      this.underway.delete(underway);
    }
  }

  private async waitForTenant({ tenant }: RunSpec, queue: RunQueue, { data }: RunJob): Promise<void> {
    const wait = await takeTurn(this.options.fleet, tenant, (data as ShardData).count);
    if (wait === 0) return;
    const { Worker } = require('bullmq') as typeof import('bullmq');
    await queue.rateLimit(wait);
    throw Worker.RateLimitError();
  }

  private async shard(spec: RunSpec, queue: RunQueue, job: RunJob, signal: AbortSignal): Promise<unknown> {
    const { records, log } = this.options;
    const data = job.data as ShardData;
    const { shard, round } = data;
    const store = await openStore(spec.state);
    try {
      const name = shardName(shard, round);
      // An attempt that nobody heard of any more may have come to its end.
      if (!(await store.has(name))) await this.make(spec, job, store, name, signal);
      const summary = await summaryOf(store, name);
      const end = await this.endOf(store, data, summary);
      const { isLast } = await records.complete(spec.id, shard, round, end);
      if (isLast) await addMerge(queue, round === 0 ? 0 : (await records.read(spec.id)).round);
      this.pictures += summary.done + summary.kept + summary.failed;
      this.failed += summary.failed;
      log({ event: 'shard', run: spec.id, shard, pictures: data.count, failed: summary.failed, seconds: round3(summary.seconds) });
      return { done: summary.done, kept: summary.kept, failed: summary.failed, encoded: summary.encoded };
    } finally {
      store.close();
    }
  }

  /** The shard's results into the store, unless others were faster. */
  private async make(spec: RunSpec, job: RunJob, store: ResultStore, name: string, signal: AbortSignal): Promise<void> {
    const { records, interrogators, folder, isBusy, makeShard } = this.options;
    const data = job.data as ShardData;
    const { shard, round } = data;
    const place = path.join(folder, spec.id, `${shard}.${round}`);
    const file = `${place}.${process.pid}.jsonl`;
    const begun = await records.begin(spec.id, shard, round);
    const onProgress = (progress: RunProgress): void => void job.updateProgress(shown(progress, this.options.id)).catch(() => {});
    const entries = entriesOfShard(data);
    try {
      const earlier = round === 0 ? undefined : await this.earlierRows(store, data, entries.length);
      if (makeShard) {
        await mkdir(path.dirname(file), { recursive: true });
        await makeShard(spec, data, file, signal, onProgress);
        await store.putIfAbsent(name, file);
        return await rm(file, { force: true });
      }
      using lent = await interrogators.lend(spec.config);
      const suspects = await Suspects.of(records, spec.id, shard, begun - 1);
      await runShard(
        {
          spec,
          entries,
          interrogator: lent.interrogator,
          folder: place,
          file,
          ...(earlier && { earlier }),
          suspects,
          isBusy,
          signal,
          onProgress,
        },
        (depends) => agree(records, spec.id, depends),
      );
    } catch (cause) {
      // Its process lives.
      await records.giveBack(spec.id, shard, round);
      const isLastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      if (!isLastAttempt || hasCode(cause, 'ERR_ABORTED', ...OF_WORKER)) throw cause;
      await writeFailed(file, entries, rowError(toInterrogatorError(cause)));
    }
    await store.putIfAbsent(name, file);
    await rm(file, { force: true });
  }

  /** Of the round before, where each picture has a row; undefined for those that failed. */
  private async earlierRows(store: ResultStore, { shard, round, entries }: ShardData, count: number) {
    // What is in a file of many pictures is found again by reading all of it.
    if (entries.some((entry) => 't' in entry)) return undefined;
    const name = await lastName(store, shard, round);
    const rows: (Row | undefined)[] = [];
    for await (const row of readRows(await store.read(name), name)) rows.push(row.error ? undefined : row);
    return rows.length === count ? rows : undefined;
  }

  private async endOf(store: ResultStore, { shard, round }: ShardData, summary: ShardSummary): Promise<ShardEnd> {
    const { done, kept, failed, skipped, encoded, seconds } = summary;
    const counts = { done, kept, failed, skipped, encoded, seconds };
    if (round === 0) return { change: counts, failing: failed };
    const after = await tally(store, shardName(shard, round));
    const earlier = await tally(store, await lastName(store, shard, round));
    return {
      change: { done: after.well - earlier.well, kept: 0, failed: after.failed - earlier.failed, skipped: 0, encoded, seconds },
      failing: after.failed,
    };
  }

  private async merge(spec: RunSpec, queue: RunQueue, job: RunJob, signal: AbortSignal): Promise<unknown> {
    const { records, folder, log } = this.options;
    const { round } = job.data as MergeData;
    const record = await records.read(spec.id);
    if (record.endedAt !== undefined || record.round !== round) return {};
    await records.update(spec.id, { state: 'merging' });
    const store = await openStore(spec.state);
    let told = 0;
    try {
      const summary = await mergeRun({
        record,
        records,
        queue,
        store,
        folder: path.join(folder, spec.id, `merge-${process.pid}`),
        signal,
        onProgress: (merged) => {
          if (performance.now() - told < 1000) return;
          told = performance.now();
          void job.updateProgress({ merged, worker: this.options.id }).catch(() => {});
        },
      });
      await records.end(spec.id, { state: 'ended', summary: JSON.stringify(summary) });
      // Without failures nobody asks for the shards any more.
      if (summary.failed === 0) await store.remove('shards/').catch(() => {});
      log({ event: 'merged', run: spec.id, pictures: summary.total, failed: summary.failed });
      return {};
    } catch (cause) {
      if (hasCode(cause, 'ERR_ABORTED')) {
        await records.update(spec.id, { state: 'running' });
        throw cause;
      }
      const isLastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      if (!isLastAttempt) throw cause;
      const error = rowError(toInterrogatorError(cause));
      await records.end(spec.id, { state: 'failed', error: JSON.stringify(error) });
      log({ event: 'failed', run: spec.id, message: error.message });
      return {};
    } finally {
      store.close();
    }
  }
}

function shown({ done, kept, failed, skipped, encoded, rate }: RunProgress, worker: string) {
  return { done, kept, failed, skipped, encoded, rate, worker };
}

function round3(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Of the last round before this one that has results. */
async function lastName(store: ResultStore, shard: number, round: number): Promise<string> {
  for (let before = round - 1; before > 0; before -= 1) {
    const name = shardName(shard, before);
    if (await store.has(name)) return name;
  }
  return shardName(shard, 0);
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
