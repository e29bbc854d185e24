/** What a submission may be told. */
import { InterrogatorError, type RunOptions } from '../../../index';

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

export const SHARD_SIZE = 200;

/** Throws ERR_INVALID_ARGUMENT. */
export function checkNumbers({ shardSize, priority, shardsAtOnce }: SubmitOptions): void {
  const wrong = (
    [
      ['shardSize', shardSize, 10_000],
      ['priority', priority, 100],
      ['shardsAtOnce', shardsAtOnce, 1_000_000],
    ] as const
  ).find(([, value, most]) => value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= most));
  if (wrong) throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${wrong[0]}: expected a whole number from 1 to ${wrong[2]}.`);
}
