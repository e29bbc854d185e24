/** What a worker has to work with: the job that it has taken, and what its jobs share. */

import type { RunProgress } from '../../../run/progress';
import type { RunJob, RunQueue } from '../../runs/queue';
import type { RunRecords } from '../../runs/records';
import type { ShardData } from '../../runs/shard-data';
import type { RunSpec } from '../../runs/spec';
import type { WorkerEvent } from '../events';
import type { Interrogators } from '../interrogators';
import type { Stores } from '../stores';

export interface Taken {
  spec: RunSpec;
  queue: RunQueue;
  job: RunJob;
  /** A name of this attempt's own. */
  attempt: string;
  /** Fires where it is to be given back. */
  signal: AbortSignal;
}

/** What jobs share. */
export interface Workplace {
  /** Of the worker. */
  id: string;
  records: RunRecords;
  interrogators: Interrogators;
  stores: Stores;
  /** Where shards are while they are worked on. */
  folder: string;
  isBusy(): boolean;
  log(event: WorkerEvent): void;
  makeShard?: ShardMaker | undefined;
}

/** Works on a shard in the models' stead, and writes its results into the file. */
export type ShardMaker = (
  spec: RunSpec,
  data: ShardData,
  file: string,
  signal: AbortSignal,
  onProgress: (progress: RunProgress) => void,
) => Promise<void>;

/** A shard or a merge is tried so often before its failure is its result. */
export const MOST_FAULTS = 5;
