/** A run is handed to the workers of a fleet: what is to be made, where it goes, and its pictures, shard by shard. */
import path from 'node:path';
import { type Config, InterrogatorError, type RunInput, type RunOptions, requireKnownModels } from '../../index';
import { checkedRunOptions } from '../../run/checks/run-options';
import { checkInputs, entriesOf, type PictureEntry, pictureAt } from '../../run/inputs';
import { Ledger } from '../../run/ledger/ledger';
import { Publisher } from '../../run/publish';
import { needsCaptionModel, withTerms } from '../../run/run';
import { stateFolderOf } from '../../run/state-folder';
import { type Fleet, redisFault } from '../redis/connect';
import { within } from '../redis/within';
import { isObjectStore, openStore, splitObject } from '../store';
import { addMerge, addShards, openRunQueue, type RunQueue, removeQueue } from './queue';
import { RunRecords } from './records';
import { isFileOfMany, type ShardData, shardDataOf } from './shard-data';
import { newRunId, PACKAGE_VERSION, type RunSpec, sharedConfig, writeRules } from './spec';
import { SubmissionLife } from './submission-life';

export interface SubmitOptions
  extends Pick<
    RunOptions,
    'config' | 'task' | 'words' | 'out' | 'report' | 'sidecar' | 'embed' | 'recursive' | 'include' | 'exclude' | 'from' | 'signal'
  > {
  /**
   * Where results of shards are until they are merged: a folder that all workers share, or `s3://bucket/prefix`. Default: beside the first
   * output.
   */
  state?: string;
  /** Pictures of a shard, 1 to 10,000: what is lost at the most where a worker dies. Default 200. */
  shardSize?: number;
  /** Whose run it is. Default 'default'. */
  tenant?: string;
  /** Runs of 1 are before those of 2, up to 100. Default 10. */
  priority?: number;
  /** Shards that are worked on at the same time, on all workers together. Default: no limit. */
  shardsAtOnce?: number;
  /** For people. Default: the inputs. */
  title?: string;
  /** Told how many pictures were submitted. */
  onSubmitted?: (pictures: number) => void;
}

const SHARD_SIZE = 200;
/** Of a file of many pictures nobody knows how many: it is a shard of its own. */
const SHARDS_AT_ONCE = 16;

/**
 * Resolves with the run's id once all of its pictures are listed; workers begin before that. Rejects with ERR_INVALID_ARGUMENT for options
 * that are wrong or that no other machine can follow, with ERR_IO and ERR_NETWORK where nothing can be written, and with AbortError, after
 * which the run is cancelled.
 */
export async function submitRun(fleet: Fleet, inputs: RunInput | readonly RunInput[], options: SubmitOptions): Promise<string> {
  const given = (Array.isArray(inputs) ? inputs : [inputs]) as readonly RunInput[];
  checkInputs(given);
  const { state: _, shardSize = SHARD_SIZE, tenant, priority, shardsAtOnce, title, onSubmitted, ...run } = options;
  const checked = checkedRunOptions(run);
  checkNumbers({ shardSize, priority, shardsAtOnce });
  await requireKnownModels(checked.config);
  const spec = await specOf(given, checked, { ...options, shardSize });
  const store = await openStore(spec.state);
  try {
    await store.check(options.signal);
  } finally {
    store.close();
  }
  const records = new RunRecords(fleet);
  const queue = openRunQueue(fleet, spec.id);
  let life: SubmissionLife | undefined;
  try {
    // Before anybody sees the run: one without a sign of life counts as left behind.
    life = await SubmissionLife.begin(fleet, spec.id);
    await records.create(spec);
    if (shardsAtOnce !== undefined) await queue.setGlobalConcurrency(shardsAtOnce);
    let pictures = 0;
    let shards: ShardData[] = [];
    const flush = async (): Promise<void> => {
      if (shards.length === 0) return;
      const added = shards.reduce((sum, { count }) => sum + count, 0);
      const files = shards.filter(isFileOfMany).length;
      const isTaken = await records.addShards(spec.id, String(shards[0]?.shard), { shards: shards.length, pictures: added, files });
      if (!isTaken) throw cancelledMeanwhile(spec.id);
      await addShards(queue, shards);
      pictures += added;
      shards = [];
      onSubmitted?.(pictures);
    };
    let place = 0;
    for await (const entries of shardsOf(unskipped(entriesOf(given, checked), spec, checked, records), shardSize)) {
      shards.push(shardDataOf(place++, entries));
      if (shards.length >= SHARDS_AT_ONCE) await flush();
    }
    await flush();
    const left = await records.endSubmitting(spec.id);
    if (left < 0) throw cancelledMeanwhile(spec.id);
    if (left === 0) await addMerge(queue, 0);
    await records.changed(spec.id);
    return spec.id;
  } catch (error) {
    await within(giveUp(records, queue, spec.id), GIVE_UP_MS);
    throw redisFault(error);
  } finally {
    if (life) await within(life.end(), GIVE_UP_MS);
    await within(queue.close(), GIVE_UP_MS);
  }
}

/** Without Redis it cannot be told: nobody waits for that longer than this. */
const GIVE_UP_MS = 3000;

async function giveUp(records: RunRecords, queue: RunQueue, id: string): Promise<void> {
  await records.move(id, { from: ['submitting', 'running'], to: 'cancelled' });
  await removeQueue(queue);
}

function cancelledMeanwhile(id: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `The run ${id} was cancelled while it was submitted.`);
}

function checkNumbers({ shardSize, priority, shardsAtOnce }: Pick<SubmitOptions, 'shardSize' | 'priority' | 'shardsAtOnce'>): void {
  const wrong = (
    [
      ['shardSize', shardSize, 10_000],
      ['priority', priority, 100],
      ['shardsAtOnce', shardsAtOnce, 1_000_000],
    ] as const
  ).find(([, value, most]) => value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= most));
  if (wrong) throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${wrong[0]}: expected a whole number from 1 to ${wrong[2]}.`);
}

async function specOf(inputs: readonly RunInput[], checked: RunOptions, options: SubmitOptions): Promise<RunSpec> {
  const { sidecar, embed, words } = checked;
  const { tenant = 'default', priority = 10, shardSize = SHARD_SIZE } = options;
  const out = (checked.out ?? []).map(absoluteOutput);
  const report = checked.report === undefined ? undefined : absoluteOutput(checked.report);
  if (out.length === 0 && report === undefined && sidecar === undefined && embed === undefined) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'The run would write nothing.', {
      hint: 'Name an output (--out FILE), sidecars (--sidecar .txt), or a report.',
    });
  }
  const task = withTerms(checked.task ?? { kind: 'interrogate', modes: ['best'] }, checked);
  await checkOutputs({ ...checked, out, ...(report !== undefined && { report }) }, task);
  const id = newRunId();
  const folder = await sidecarState(inputs, checked, options.state, out[0] ?? report);
  return {
    id,
    version: PACKAGE_VERSION,
    createdAt: Date.now(),
    title: options.title ?? inputs.map(String).join(' ').slice(0, 200),
    tenant,
    priority,
    shardSize,
    config: { ...sharedConfig(checked.config as Config), ...(!needsCaptionModel(task) && { captionModelName: null }) },
    task,
    ...(words && { words: writeRules(words) }),
    out,
    ...(report !== undefined && { report }),
    ...(sidecar && { sidecar: { ...sidecar, ...(sidecar.folder !== undefined && { folder: path.resolve(sidecar.folder) }) } }),
    ...(embed && { embed }),
    ...(folder !== undefined && (sidecar || embed) && { marks: folder }),
    state: stateOf(options.state, out[0] ?? report, folder, id),
  };
}

/** Where runs remember the sidecars that are theirs. */
async function sidecarState(
  inputs: readonly RunInput[],
  checked: RunOptions,
  state: string | undefined,
  output: string | undefined,
): Promise<string | undefined> {
  if (state !== undefined && !isObjectStore(state)) return path.resolve(state);
  const local = (checked.out ?? []).filter((file) => !isObjectStore(file));
  const { sidecar, embed } = checked;
  if (!sidecar && !embed && output !== undefined && isObjectStore(output)) return undefined;
  return stateFolderOf(inputs, { ...checked, out: local });
}

function stateOf(given: string | undefined, output: string | undefined, folder: string | undefined, id: string): string {
  if (given !== undefined && isObjectStore(given)) return `${given.replace(/\/+$/, '')}/${id}`;
  if (given === undefined && output !== undefined && isObjectStore(output))
    return `${splitObject(output).location}/.torch-interrogator/${id}`;
  return path.join(folder ?? path.resolve('.torch-interrogator'), 'fleet', id);
}

function absoluteOutput(file: string): string {
  return isObjectStore(file) ? file : path.resolve(file);
}

/** As the merge will find them; those in an object store by their names alone. */
async function checkOutputs(options: RunOptions, task: NonNullable<RunOptions['task']>): Promise<void> {
  const out = (options.out ?? []).map((file) => (isObjectStore(file) ? path.resolve(splitObject(file).name.replace(/^.*\//, '')) : file));
  const publisher = await Publisher.open({ ...options, out }, task);
  await publisher.abandon();
}

/** Without pictures that have a text of another hand, which is to stay. */
async function* unskipped(
  entries: AsyncIterable<PictureEntry>,
  { id, marks, task }: RunSpec,
  { sidecar }: RunOptions,
  records: RunRecords,
): AsyncGenerator<PictureEntry> {
  if (!sidecar || (sidecar.existing ?? 'skip') !== 'skip') return yield* entries;
  const publisher = await Publisher.open({ sidecar }, task);
  const ledger = marks === undefined ? undefined : await Ledger.open(marks, { readOnly: true }).catch(() => undefined);
  try {
    await publisher.begin({ ledger, countTokens: async () => 0, embedDim: 0 });
    let skipped = 0;
    for await (const entry of entries) {
      if (entry.kind !== 'table' && (await publisher.claim(pictureAt(entry))) === 'skipped') skipped += 1;
      else yield entry;
    }
    if (skipped > 0) await records.skip(id, skipped);
  } finally {
    await ledger?.close();
  }
}

/** Pictures in groups, files of many pictures by themselves. */
async function* shardsOf(entries: AsyncIterable<PictureEntry>, size: number): AsyncGenerator<PictureEntry[]> {
  let shard: PictureEntry[] = [];
  for await (const entry of entries) {
    if (entry.kind === 'table' && shard.length > 0) {
      yield shard;
      shard = [];
    }
    shard.push(entry);
    if (entry.kind !== 'table' && shard.length < size) continue;
    yield shard;
    shard = [];
  }
  if (shard.length > 0) yield shard;
}
