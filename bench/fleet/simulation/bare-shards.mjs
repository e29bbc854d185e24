/**
 * A process that asks of Redis what a worker asks for its shards, and does nothing else, many at a time: to see where Redis ends, and not
 * the workers, which have to be on the same machine.
 */
import { createRequire } from 'node:module';
import { internal } from '../../ours.mjs';

const require = createRequire(import.meta.url);
const TOLD_MS = 100;
const { url, run, loops, place, updates } = JSON.parse(process.argv[2]);
const { Worker } = require('bullmq');
const { Fleet } = internal('fleet');
const { RunRecords } = internal('fleet/runs/records');
const { takeTurn } = internal('fleet/work/tenant-limit');
let done = 0;
setInterval(() => process.send({ done }), TOLD_MS);
process.on('disconnect', () => process.exit());

const ready = [];
// As workers of their own have them: what comes over one connection together costs Redis less.
for (let i = 0; i < loops; i += 1) {
  const fleet = await Fleet.connect({ url });
  const worker = new Worker(`run-${run}`, undefined, { connection: fleet.redis, prefix: fleet.prefix, lockDuration: 60_000 });
  await worker.waitUntilReady();
  ready.push({ fleet, worker, records: new RunRecords(fleet), token: `${place}:${i}` });
}
process.once('message', () => {
  for (const each of ready) void loop(each);
});
process.send({ ready: true });

/** In the order of a worker: takeOne(), workOnShard(), settle(). */
async function loop({ fleet, worker, records, token }) {
  for (;;) {
    const job = await worker.getNextJob(token, { block: false });
    if (!job) return;
    const { shard, round, count } = job.data;
    const counts = { done: count, kept: 0, failed: 0, skipped: 0, encoded: count };
    await takeTurn(fleet, 'default', count);
    await records.begin(run, shard, round, token);
    for (let i = 0; i < updates; i += 1) await job.updateProgress({ ...counts, rate: 100, worker: token });
    await records.read(run);
    await records.complete(run, shard, round, { change: { ...counts, seconds: 1 }, failing: 0 });
    await job.moveToCompleted(counts, token, false);
    done += 1;
  }
}
