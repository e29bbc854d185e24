/** A simulated fleet with a run of its own, on a Redis that was emptied before. */
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchCores } from '../measured/processor-time.mjs';
import { redisState, redisWork } from '../measured/redis-figures.mjs';
import { SimulatedFleet } from './simulated-fleet.mjs';
import { SyntheticRun } from './synthetic-run.mjs';

/** Calls `work` with it, and takes all of it away again. `settings`: of SimulatedFleet, and the size of a shard. */
export async function withWorkload({ redis, fleet, folder }, { shardSize, ...settings }, work) {
  await fleet.redis.flushall();
  const place = mkdtempSync(path.join(folder, 'simulation-'));
  const workers = await SimulatedFleet.start({ url: redis.url, folder: path.join(place, 'work'), shards: 2, ...settings });
  const run = new SyntheticRun(fleet, { shardSize, state: path.join(place, 'state') });
  try {
    return await work(new Workload(redis, fleet, workers, run));
  } finally {
    await run.close();
    await workers.stop();
    rmSync(place, { recursive: true, force: true });
  }
}

class Workload {
  constructor(redis, fleet, workers, run) {
    this.redis = redis;
    this.fleet = fleet;
    this.workers = workers;
    this.run = run;
  }

  /** What Redis did, and who took the cores, while `work` was done. */
  async during(work) {
    const before = await redisState(this.fleet.redis);
    const cores = watchCores({ workers: this.workers.pids, redis: [this.redis.pid], bench: [process.pid] });
    const result = await work();
    const taken = cores();
    return { result, cores: taken, redis: redisWork(before, await redisState(this.fleet.redis)) };
  }

  /** Until it is so, looked at now and then; rejects where it takes longer than so many seconds. */
  async until(isSo, seconds, what) {
    const end = Date.now() + seconds * 1000;
    while (!isSo()) {
      if (Date.now() > end) throw new Error(`${what} took longer than ${seconds} s; ${JSON.stringify(this.workers.troubles)}`);
      await sleep(20);
    }
  }
}
