/** A tenth of the workers is killed at once: when others have done their shards, and what it cost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { quantiles, utilization } from './spans.mjs';
import { withWorkload } from './workload.mjs';

const BEFORE_SECONDS = 10;
const MARGIN_SECONDS = 5;

export function killTenth(context, { workers, rate, shardSize, times, lockSeconds }) {
  const meanMs = (shardSize / rate) * 1000;
  // Of a lock that was renewed just now, of who looks for those that have run out, and of the shards themselves.
  const afterSeconds = 1.5 * lockSeconds + (3 * meanMs) / 1000 + MARGIN_SECONDS;
  const perSecond = workers / (meanMs / 1000);
  const shards = Math.ceil(perSecond * (BEFORE_SECONDS + afterSeconds) + 4 * workers);
  const settings = { workers, processes: 10, meanMs, times, shardSize, lockSeconds };
  return withWorkload(context, settings, async (load) => {
    const { run } = load;
    await run.create();
    await sleep(2000);
    await run.add(shards);
    await sleep(2 * meanMs);
    const from = Date.now();
    await sleep(BEFORE_SECONDS * 1000);
    const killed = Date.now();
    await load.workers.kill(0);
    let lostShards = 0;
    const { cores } = await load.during(async () => {
      const end = killed + afterSeconds * 1000;
      while (Date.now() < end) await sleep(200);
      lostShards = await run.lost();
    });
    const until = Date.now();
    const ownEnds = new Set(load.workers.ended.filter(({ place }) => place === 0).map(({ shard }) => shard));
    const held = load.workers.begun.filter(({ place, shard }) => place === 0 && !ownEnds.has(shard)).map(({ shard }) => shard);
    const ends = new Map(load.workers.ended.filter(({ at }) => at > killed).map(({ shard, at }) => [shard, at]));
    const begins = new Map(load.workers.begun.filter(({ at }) => at > killed).map(({ shard, at }) => [shard, at]));
    const secondsTo = (moments) => held.filter((shard) => moments.has(shard)).map((shard) => (moments.get(shard) - killed) / 1000);
    // Of the device of each killed worker: from the beginning of its shard to the kill.
    const lost = load.workers.begun.filter(({ place, begins: began, ends: due }) => place === 0 && began < killed && due > killed);
    const before = utilization(load.workers.begun, workers, from, killed);
    const after = utilization(
      load.workers.begun.filter(({ place }) => place !== 0),
      workers * 0.9,
      killed,
      until,
    );
    return {
      workers,
      killed: workers / 10,
      rate_of_a_worker: rate,
      lock_seconds: lockSeconds,
      shard_seconds: meanMs / 1000,
      lost_shards: lostShards,
      not_done_yet: held.filter((shard) => !ends.has(shard)).length,
      lost_device_seconds: lost.reduce((sum, { begins: began }) => sum + killed - began, 0) / 1000,
      begun_again_s: quantiles(secondsTo(begins)),
      done_again_s: quantiles(secondsTo(ends)),
      of_ideal_before: before,
      of_ideal_after: after,
      pictures_per_s_before: before * workers * rate,
      pictures_per_s_after: after * 0.9 * workers * rate,
      troubles: load.workers.troubles,
      cores,
    };
  });
}
