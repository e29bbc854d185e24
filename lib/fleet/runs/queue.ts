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
