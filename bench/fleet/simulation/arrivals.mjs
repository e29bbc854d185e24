/** How soon a shard that comes is begun, where workers are free. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantiles } from './spans.mjs';
import { withWorkload } from './workload.mjs';

/** Shards come one by one, at random, to so much of what the workers can do. */
export function arrivals(context, { workers, rate, seconds, shardSize, times, processes, load: part }) {
  const meanMs = (shardSize / rate) * 1000;
  const perSecond = (part * workers * 1000) / meanMs;
  const settings = { workers, processes: Math.min(processes, workers), meanMs, times, shardSize, lockSeconds: 30 };
  return withWorkload(context, settings, async (load) => {
    const { run } = load;
    await run.create();
    await sleep(2000);
    const { cores } = await load.during(async () => {
      const end = Date.now() + seconds * 1000;
      let next = Date.now();
      while (next < end) {
        await sleep(Math.max(0, next - Date.now()));
        // As long as it takes to add one, others come.
        const due = [];
        for (; next <= Date.now(); next += (-Math.log(1 - Math.random()) * 1000) / perSecond) due.push(run.add(1));
        await Promise.all(due);
      }
    });
    await load.until(() => load.workers.begun.length >= run.shards, 60, 'the last shards');
    return {
      workers,
      rate_of_a_worker: rate,
      shards_per_s: run.shards / seconds,
      load: part,
      queue_ms: quantiles(load.workers.begun.map(({ at, readyAt }) => at - readyAt)),
      complete_ms: quantiles(load.workers.completions),
      troubles: load.workers.troubles,
      cores,
    };
  });
}
