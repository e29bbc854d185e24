/** BullMQ's queue of a run: its shards, and the merge of their results. */
import type { Job, JobsOptions, Queue } from 'bullmq';
import type { Fleet } from '../redis/connect';
import type { ShardData } from './shard-data';

export interface MergeData {
  round: number;
}

export type RunJob = Job<ShardData | MergeData, unknown, 'shard' | 'merge'>;
export type RunQueue = Queue<ShardData | MergeData, unknown, 'shard' | 'merge'>;

/** What fails is given back: none of them ends as a failed job. */
const OPTIONS: JobsOptions = {
  // A later round needs to know where the pictures are; the queue goes with the run.
  removeOnComplete: false,
  removeOnFail: false,
};

/** Must be closed. */
export function openRunQueue(fleet: Fleet, id: string): RunQueue {
  const { Queue } = require('bullmq') as typeof import('bullmq');
  const queue: RunQueue = new Queue(`run-${id}`, { connection: fleet.redis, prefix: fleet.prefix });
  // Lost connections are told of by what waits for them.
  queue.on('error', () => {});
  return queue;
}

export async function addShards(queue: RunQueue, shards: readonly ShardData[]): Promise<void> {
  await queue.addBulk(shards.map((data) => ({ name: 'shard', data, opts: { ...OPTIONS, jobId: shardJobId(data.shard, data.round) } })));
}

/** Does nothing where the merge of this round is there already. */
export async function addMerge(queue: RunQueue, round: number): Promise<void> {
  await queue.add('merge', { round }, { ...OPTIONS, jobId: `merge-${round}` });
}

export function shardJobId(shard: number, round: number): string {
  return `shard-${shard}-${round}`;
}

/** Of two that remove a queue at the same time, one may take from the other what it has just paused. */
const REMOVALS = 5;

/** With all of its jobs, those under way too. */
export async function removeQueue(queue: RunQueue): Promise<void> {
  for (let left = REMOVALS; left > 0; left -= 1) {
    const error = await queue.obliterate({ force: true }).then(
      () => undefined,
      (cause: Error) => cause,
    );
    if (!error) return;
    if (left === 1 || !/non-paused/.test(error.message)) throw error;
  }
}
