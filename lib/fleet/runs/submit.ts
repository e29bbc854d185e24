/** A run is handed to the workers of a fleet: what is to be made, where it goes, and its pictures, shard by shard. */
import { InterrogatorError, type RunInput, requireKnownModels } from '../../index';
import { checkedRunOptions } from '../../run/checks/run-options';
import { checkInputs, entriesOf } from '../../run/inputs';
import { type Fleet, redisFault } from '../redis/connect';
import { within } from '../redis/within';
import { openStore } from '../store';
import { addMerge, addShards, openRunQueue, type RunQueue, removeQueue } from './queue';
import { RunRecords } from './records';
import { isFileOfMany } from './shard-data';
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
    const entries = unskipped(entriesOf(given, checked), spec, checked, (skipped) => records.skip(spec.id, skipped));
    let pictures = 0;
    for await (const shards of batchesOf(shardsOf(entries, shardSize), shardSize)) {
      const added = shards.reduce((sum, { count }) => sum + count, 0);
      const files = shards.filter(isFileOfMany).length;
      const isTaken = await records.addShards(spec.id, String(shards[0]?.shard), { shards: shards.length, pictures: added, files });
      if (!isTaken) throw cancelledMeanwhile(spec.id);
      await addShards(queue, shards);
      pictures += added;
      onSubmitted?.(pictures);
    }
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
