/** What a person does with runs of a fleet: looks at them, pauses them, goes on, gives them up, tries failed pictures again. */
import { abandonable, pause } from '../../abort';
import { InterrogatorError, type RunProgress, type RunSummary } from '../../index';
import { rowError } from '../../run/row';
import type { Fleet } from '../redis/connect';
import { openStore } from '../store';
import { addMerge, addShards, openRunQueue, type RunQueue, removeQueue, shardJobId } from './queue';
import { type Move, type RunRecord, RunRecords, type RunState } from './records';
import { shardName } from './row-lines';
import type { ShardData } from './shard-data';
import { checkTenant, type RunSpec } from './spec';

/** A run for people, and for programs: of `submit`, `status` and `watch`. */
export interface RunView extends RunProgress {
  run: string;
  title: string;
  tenant: string;
  priority: number;
  state: RunState | 'paused';
  /** ISO 8601. */
  createdAt: string;
  endedAt?: string;
  /** `lost`: attempts that came to no end, of workers that died or were taken for dead. */
  shards: { total: number; left: number; active: number; waiting: number; lost: number };
  /** Workers that take no part, with the reason. */
  refusals: Readonly<Record<string, string>>;
  error?: { code: string; message: string; hint?: string };
  /** What went wrong last, and is tried again. */
  trouble?: string;
  /** Once it has ended. */
  summary?: RunSummary;
}

/** What a worker says of a shard that it works on. */
interface ShardProgress {
  done?: number;
  kept?: number;
  failed?: number;
  skipped?: number;
  encoded?: number;
  rate?: number;
  /** Pictures that are merged. */
  merged?: number;
  worker?: string;
}

/** Newest first. */
export async function listRuns(fleet: Fleet): Promise<RunView[]> {
  const records = await new RunRecords(fleet).list();
  return Promise.all(records.map((record) => viewOf(fleet, record)));
}

/** Rejects with ERR_RUN_NOT_FOUND. */
export async function readRun(fleet: Fleet, id: string): Promise<RunView> {
  return viewOf(fleet, await new RunRecords(fleet).read(id));
}

async function viewOf(fleet: Fleet, record: RunRecord): Promise<RunView> {
  const { spec, state, isPaused, shards, left, error, summary, refusals, endedAt } = record;
  const isOpen = endedAt === undefined;
  const { active, waiting, underway } = isOpen ? await withQueue(fleet, spec.id, (queue) => activeOf(fleet, queue)) : NOTHING;
  const sum = (name: keyof ShardProgress): number => underway.reduce((total, each) => total + Number(each[name] ?? 0), 0);
  const counts = {
    done: record.done + sum('done'),
    kept: record.kept + sum('kept'),
    failed: record.failed + sum('failed'),
    skipped: record.skipped + sum('skipped'),
    encoded: record.encoded + sum('encoded'),
  };
  const rate = sum('rate');
  const total = state === 'submitting' || (isOpen && record.files > 0) ? null : record.pictures + record.skipped;
  const rest = total === null ? null : Math.max(0, total - counts.done - counts.kept - counts.failed - counts.skipped);
  const progress: RunProgress = {
    total,
    ...counts,
    rate,
    secondsLeft: rest === 0 ? 0 : rest !== null && rate > 0 ? rest / rate : null,
    seconds: ((endedAt ?? Date.now()) - spec.createdAt) / 1000,
    devices: [...new Set(underway.flatMap(({ worker }) => worker ?? []))],
  };
  return {
    run: spec.id,
    title: spec.title,
    tenant: spec.tenant,
    priority: spec.priority,
    state: (isPaused && isOpen ? 'paused' : state) as RunView['state'],
    createdAt: new Date(spec.createdAt).toISOString(),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt).toISOString() }),
    ...progress,
    ...(summary && countsOf(summary)),
    shards: { total: shards, left, active, waiting, lost: record.lost },
    refusals,
    ...(error && { error }),
    ...(record.trouble !== undefined && { trouble: record.trouble }),
    ...(summary && { summary }),
  };
}

/** What the merge has counted: pictures of files of many, too, and those that could not be written. */
function countsOf({ total, done, kept, failed, skipped, encoded, secondsLeft, seconds }: RunSummary) {
  return { total, done, kept, failed, skipped, encoded, secondsLeft, seconds };
}

const NOTHING = { active: 0, waiting: 0, underway: [] as ShardProgress[] };

/** Of shards under way only what is said of them is read: where their pictures are, is a hundred times as much. */
async function activeOf({ redis }: Fleet, queue: RunQueue): Promise<typeof NOTHING> {
  const [jobs, counts] = await Promise.all([queue.getRanges(['active'], 0, -1), queue.getJobCounts('waiting', 'delayed', 'prioritized')]);
  const told = (await redis.pipeline(jobs.map((job) => ['hget', queue.toKey(job), 'progress'])).exec()) ?? [];
  const underway = told.map(([, progress]) => shardProgress(progress));
  return { active: jobs.length, waiting: Object.values(counts).reduce((sum, count) => sum + count, 0), underway };
}

/** BullMQ has a number where nothing was said yet. */
function shardProgress(written: unknown): ShardProgress {
  const progress: unknown = typeof written === 'string' ? JSON.parse(written) : undefined;
  return typeof progress === 'object' && progress !== null ? progress : {};
}

/** Shards under way come to their end; no others begin. */
export async function pauseRun(fleet: Fleet, id: string): Promise<void> {
  await requireOpen(fleet, id);
  await withQueue(fleet, id, (queue) => queue.pause());
  await new RunRecords(fleet).update(id, { paused: 1 });
}

export async function resumeRun(fleet: Fleet, id: string): Promise<void> {
  await requireOpen(fleet, id);
  await withQueue(fleet, id, (queue) => queue.resume());
  await new RunRecords(fleet).update(id, { paused: 0 });
}

/** What is under way is given up, and what was made is removed. */
export async function cancelRun(fleet: Fleet, id: string): Promise<void> {
  const { spec } = await requireOpen(fleet, id);
  if (await giveRunUp(fleet, spec, { from: ['submitting', 'running', 'merging'], to: 'cancelled' })) return;
  throw notPossible(id, 'has ended', `torch-interrogator run status ${id} tells of it.`);
}

/** Gives up a run whose submission has died: nobody knows what else was to be in it. */
export async function endSubmission(fleet: Fleet, id: string): Promise<void> {
  const error = new InterrogatorError('ERR_ABORTED', 'The submission ended before all pictures were listed.', { hint: 'Submit it again.' });
  const fields = { error: JSON.stringify(rowError(error)) };
  const { spec } = await new RunRecords(fleet).read(id);
  await giveRunUp(fleet, spec, { from: ['submitting'], to: 'cancelled', fields });
}

/** False where the run is in no such state. */
async function giveRunUp(fleet: Fleet, { id, state }: RunSpec, move: Move): Promise<boolean> {
  if (!(await new RunRecords(fleet).move(id, move))) return false;
  await withQueue(fleet, id, removeQueue);
  await removeResults(state);
  return true;
}

/**
 * Pictures that failed are tried again, and the outputs written anew; of a run that failed, what it failed with. Resolves with the number
 * of shards that have such pictures, 0 where nothing has failed.
 */
export async function retryRun(fleet: Fleet, id: string): Promise<number> {
  const records = new RunRecords(fleet);
  const record = await records.read(id);
  if (record.state === 'cancelled') throw notPossible(id, 'was cancelled', 'Submit it again.');
  if (record.endedAt === undefined) throw notPossible(id, 'is under way', `Wait for its end: torch-interrogator run watch ${id}`);
  const places = [...new Set([...(await records.failing(id)).keys(), ...(await missingResults(records, record))])];
  if (places.length === 0 && record.state !== 'failed') return 0;
  const retrying = fleet.key('run', id, 'retrying');
  if (!(await fleet.redis.set(retrying, '1', 'EX', RETRYING_SECONDS, 'NX'))) throw retriedMeanwhile(id);
  try {
    return await withQueue(fleet, id, (queue) => beginRound(records, queue, record, places));
  } finally {
    await fleet.redis.del(retrying);
  }
}

/** A round is put on the queue in less. */
const RETRYING_SECONDS = 120;

/** Puts the shards at these places on the queue of a run that has ended, and opens it. By one at a time. */
async function beginRound(records: RunRecords, queue: RunQueue, record: RunRecord, places: readonly number[]): Promise<number> {
  const { id } = record.spec;
  const round = record.round + 1;
  const shards: ShardData[] = [];
  for (const shard of places) {
    const job = await queue.getJob(shardJobId(shard, 0));
    if (!job) throw notPossible(id, 'does not know its pictures any more', 'Submit it again.');
    shards.push({ ...(job.data as ShardData), round });
  }
  // Others may have been through a whole round while the results were looked for.
  if ((await records.read(id)).round !== record.round) throw retriedMeanwhile(id);
  // Nobody takes them before the run is open: where this process ends in between, the next try finds them there.
  await queue.pause();
  await addShards(queue, shards);
  if (shards.length === 0) await addMerge(queue, round);
  const isOpen = await records.reopen(id, round, shards.length);
  if (isOpen || !(await records.read(id)).isPaused) await queue.resume();
  if (!isOpen) throw retriedMeanwhile(id);
  await records.changed(id);
  return shards.length;
}

function retriedMeanwhile(id: string): InterrogatorError {
  return notPossible(id, 'is under way', 'Another one tries its failed pictures again.');
}

/** Shards whose results somebody has removed. Of a run that ended well nothing is there, and nothing missing. */
async function missingResults(records: RunRecords, { spec, shards, state, summary }: RunRecord): Promise<number[]> {
  if (state === 'ended' && summary?.failed === 0) return [];
  const rounds = await records.lastRounds(spec.id);
  const store = await openStore(spec.state);
  try {
    const there = new Set<string>();
    for await (const name of store.list('shards/')) there.add(name);
    return Array.from({ length: shards }, (_, shard) => shard).filter((shard) => !there.has(shardName(shard, rounds.get(shard) ?? 0)));
  } finally {
    store.close();
  }
}

/** Forgets a run that has ended, and removes what is left of it; its outputs stay. */
export async function removeRun(fleet: Fleet, id: string): Promise<void> {
  const records = new RunRecords(fleet);
  const { spec, endedAt } = await records.read(id);
  if (endedAt === undefined) throw notPossible(id, 'is under way', `Cancel it first: torch-interrogator run cancel ${id}`);
  await withQueue(fleet, id, (queue) => removeQueue(queue));
  await records.remove(id);
  await removeResults(spec.state);
}

/** A view each time that something may have changed; the last one is of its end. */
export async function* watchRun(fleet: Fleet, id: string, signal?: AbortSignal): AsyncGenerator<RunView> {
  for (;;) {
    const view = await abandonable(readRun(fleet, id), signal);
    yield view;
    if (view.endedAt !== undefined) return;
    await pause(WATCH_MS, signal);
  }
}

const WATCH_MS = 500;

/** Pictures a second that all runs of a tenant may begin together; null: as many as there are workers for. */
export async function limitTenant(fleet: Fleet, tenant: string, perSecond: number | null): Promise<void> {
  checkTenant(tenant);
  if (perSecond !== null && !(perSecond > 0 && Number.isFinite(perSecond))) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'perSecond: expected a number above 0, or null.');
  }
  const key = fleet.key('tenants');
  if (perSecond === null) await fleet.redis.hdel(key, tenant);
  else await fleet.redis.hset(key, tenant, perSecond);
}

async function requireOpen(fleet: Fleet, id: string): Promise<RunRecord> {
  const record = await new RunRecords(fleet).read(id);
  if (record.endedAt === undefined) return record;
  throw notPossible(id, record.state === 'cancelled' ? 'was cancelled' : 'has ended', `torch-interrogator run status ${id} tells of it.`);
}

function notPossible(id: string, problem: string, hint: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `The run ${id} ${problem}.`, { hint });
}

/** Whoever cancels a run need not reach its results. */
async function removeResults(location: string): Promise<void> {
  try {
    const store = await openStore(location);
    await store.remove('shards/').finally(() => store.close());
  } catch {
    // They are left where they are.
  }
}

async function withQueue<T>(fleet: Fleet, id: string, work: (queue: RunQueue) => Promise<T>): Promise<T> {
  const queue = openRunQueue(fleet, id);
  try {
    return await work(queue);
  } finally {
    await queue.close();
  }
}
