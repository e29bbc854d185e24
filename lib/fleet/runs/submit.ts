/** A run is handed to the workers of a fleet: what is to be made, where it goes, and its pictures, shard by shard. */
import { abandonable } from '../../abort';
import { throwIfAborted } from '../../errors';
import { InterrogatorError, type RunInput, type RunOptions, requireKnownModels } from '../../index';
import { checkedRunOptions } from '../../run/checks/run-options';
import { checkInputs, entriesOf } from '../../run/inputs';
import { type Fleet, redisFault } from '../redis/connect';
import { within } from '../redis/within';
import { openStore } from '../store';
import { addMerge, addShards, openRunQueue, type RunQueue, removeQueue } from './queue';
import { RunRecords } from './records';
import { isFileOfMany } from './shard-data';
import { checkTenant, type RunSpec } from './spec';
import { batchesOf, shardsOf, unskipped } from './submission/listing';
import { checkNumbers, SHARD_SIZE, type SubmitOptions } from './submission/options';
import { specOf } from './submission/spec-of';
import { SubmissionLife } from './submission-life';

export type { SubmitOptions } from './submission/options';

/**
 * Resolves with the run's id once all of its pictures are listed; workers begin before that. Rejects with ERR_INVALID_ARGUMENT for options
 * that are wrong or that no other machine can follow, with ERR_IO and ERR_NETWORK where nothing can be written, and with AbortError, after
 * which the run is cancelled.
 */
export async function submitRun(fleet: Fleet, inputs: RunInput | readonly RunInput[], options: SubmitOptions): Promise<string> {
  const given = (Array.isArray(inputs) ? inputs : [inputs]) as readonly RunInput[];
  checkInputs(given);
  const { state: _, shardSize = SHARD_SIZE, tenant, priority, shardsAtOnce, title, onSubmitted, ...ofRun } = options;
  const checked = checkedRunOptions(ofRun);
  checkNumbers({ shardSize, priority, shardsAtOnce });
  if (tenant !== undefined) checkTenant(tenant);
  await requireKnownModels(checked.config);
  const spec = await specOf(given, checked, { ...options, shardSize });
  const store = await openStore(spec.state);
  try {
    await store.check(options.signal);
  } finally {
    store.close();
  }
  const run = {
    fleet,
    spec,
    records: new RunRecords(fleet),
    queue: openRunQueue(fleet, spec.id),
    life: new SubmissionLife(fleet, spec.id),
  };
  const work = handIn(run, given, { ...options, shardSize, checked });
  try {
    // While Redis is away each step waits for it, which the signal does not end.
    await abandonable(work, options.signal);
    await within(leave(run), GIVE_UP_MS);
    return spec.id;
  } catch (error) {
    await within(giveUp(run, work), GIVE_UP_MS);
    throw redisFault(error);
  }
}

/** A run that is being submitted. */
interface Submission {
  fleet: Fleet;
  spec: RunSpec;
  records: RunRecords;
  queue: RunQueue;
  life: SubmissionLife;
}

/** Makes the run, and puts its shards on its queue. */
async function handIn(
  { spec, records, queue, life }: Submission,
  inputs: readonly RunInput[],
  { checked, shardSize, shardsAtOnce, signal, onSubmitted }: SubmitOptions & { checked: RunOptions; shardSize: number },
): Promise<void> {
  // Before anybody sees the run: one without a sign of life counts as left behind.
  await life.begin();
  throwIfAborted(signal);
  await records.create(spec);
  if (shardsAtOnce !== undefined) await queue.setGlobalConcurrency(shardsAtOnce);
  const entries = unskipped(entriesOf(inputs, checked), spec, checked, (skipped) => records.skip(spec.id, skipped));
  let pictures = 0;
  for await (const shards of batchesOf(shardsOf(entries, shardSize), shardSize)) {
    const added = shards.reduce((sum, { count }) => sum + count, 0);
    const files = shards.filter(isFileOfMany).length;
    const isTaken = await records.addShards(spec.id, String(shards[0]?.shard), { shards: shards.length, pictures: added, files });
    if (!isTaken) throw cancelledMeanwhile(spec.id);
    await addShards(queue, shards);
    throwIfAborted(signal);
    pictures += added;
    onSubmitted?.(pictures);
  }
  const left = await records.endSubmitting(spec.id);
  if (left < 0) throw cancelledMeanwhile(spec.id);
  if (left === 0) await addMerge(queue, 0);
  await records.changed(spec.id);
}

/** Without Redis it cannot be told: nobody waits for that longer than this. */
const GIVE_UP_MS = 3000;

/** Once the work has stopped: what it is in the middle of comes before the run's end. */
async function giveUp(run: Submission, work: Promise<void>): Promise<void> {
  const { spec, records, queue } = run;
  await work.catch(() => {});
  try {
    await records.move(spec.id, { from: ['submitting', 'running'], to: 'cancelled' });
    await removeQueue(queue);
  } finally {
    await leave(run);
  }
}

async function leave({ life, queue }: Submission): Promise<void> {
  await life.end();
  await queue.close();
}

function cancelledMeanwhile(id: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `The run ${id} was cancelled while it was submitted.`);
}
