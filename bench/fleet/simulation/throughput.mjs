/** How near to their ideal so many workers come, and what Redis has to do for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sampleCommands } from '../measured/slow-log.mjs';
import { countBetween, quantiles, utilization } from './spans.mjs';
import { withWorkload } from './workload.mjs';

const IDLE_SECONDS = 6;

export function throughput(context, { workers, rate, seconds, shardSize, times, processes }) {
  const meanMs = (shardSize / rate) * 1000;
  // Enough for the time that is measured, and for all hands to be full at its beginning and its end.
  const shards = Math.ceil((workers * seconds * 1000) / meanMs) + 5 * workers;
  const settings = { workers, processes: Math.min(processes, workers), meanMs, times, shardSize, lockSeconds: 30 };
  return withWorkload(context, settings, async (load) => {
    const { run } = load;
    await run.create();
    await sleep(2000);
    const idle = await load.during(() => sleep(IDLE_SECONDS * 1000));
    // Nobody takes a shard before all of them are there: else fast workers would be waited for, and not Redis.
    await run.queue.pause();
    const submission = await load.during(() => run.add(shards));
    await run.queue.resume();
    await load.until(
      () => new Set(load.workers.ended.map(({ worker }) => worker)).size === workers,
      60 + (3 * meanMs) / 1000,
      'the first shards',
    );
    const from = Date.now();
    const finished = await load.during(async () => {
      const sampled = await sampleCommands(context.fleet.redis, Math.min(3, seconds / 4));
      await load.until(() => load.workers.begun.length >= shards, 10 * seconds, `${shards} shards`);
      return sampled;
    });
    const until = load.workers.begun.at(-1).at;
    const ended = countBetween(load.workers.ended, from, until);
    const perShard = (value) => value / ended;
    const { redis, cores } = finished;
    const ofIdeal = utilization(load.workers.begun, workers, from, until);
    const ideal = workers * rate;
    return {
      workers,
      rate_of_a_worker: rate,
      ideal_per_s: ideal,
      of_ideal: ofIdeal,
      pictures_per_s: ofIdeal * ideal,
      seconds: (until - from) / 1000,
      idle_commands_per_worker_s: idle.redis.calls / idle.redis.seconds / workers,
      idle_redis_cores: idle.redis.cores,
      submission_pictures_per_s: (shards * shardSize) / submission.redis.seconds,
      submission_redis_us_per_picture: (submission.redis.cpuSeconds * 1e6) / (shards * shardSize),
      submission_redis_bytes_per_picture: submission.redis.bytesUsed / (shards * shardSize),
      submission_log_bytes_per_picture: submission.redis.logBytes / (shards * shardSize),
      redis_cores: redis.cores,
      redis_ms_per_shard: perShard(redis.cpuSeconds * 1000),
      redis_commands_per_shard:
        finished.result.commands.reduce((sum, { calls }) => sum + calls, 0) / finished.result.seconds / (ended / redis.seconds),
      redis_commands_with_scripts_per_shard: perShard(redis.calls),
      to_workers_bytes_per_shard: perShard(redis.bytesOut),
      to_redis_bytes_per_shard: perShard(redis.bytesIn),
      log_bytes_per_shard: perShard(redis.logBytes),
      handover_ms: quantiles(load.workers.handovers),
      complete_ms: quantiles(load.workers.completions),
      costliest: costliest(finished.result),
      troubles: load.workers.troubles,
      cores,
    };
  });
}

function costliest({ seconds, commands }) {
  return commands.slice(0, 8).map(({ name, calls, usec }) => ({ name, per_s: calls / seconds, us: usec / calls }));
}
