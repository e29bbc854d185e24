/**
 * A process that asks of Redis what a worker asks for its shards, and does nothing else, many at a time: to see where Redis ends, and not
 * the workers, which have to be on the same machine.
 */
import { createRequire } from 'node:module';
import { internal } from '../../ours.mjs';

const require = createRequire(import.meta.url);
const TOLD_MS = 100;
const { url, run, loops, place } = JSON.parse(process.argv[2]);
const { Worker } = require('bullmq');
const fleet = await internal('fleet').Fleet.connect({ url });
const { RunRecords } = internal('fleet/runs/records');
const { takeTurn } = internal('fleet/work/tenant-limit');
const records = new RunRecords(fleet);
const worker = new Worker(`run-${run}`, undefined, { connection: fleet.redis, prefix: fleet.prefix, lockDuration: 60_000 });
let done = 0;
setInterval(() => process.send({ done }), TOLD_MS);
process.on('disconnect', () => process.exit());
process.once('message', () => {
  for (let i = 0; i < loops; i += 1) void loop(`${place}:${i}`);
});
process.send({ ready: true });

/** In the order of a worker: takeOne(), workOnShard(), settle(). */
async function loop(token) {
  for (;;) {
    const job = await worker.getNextJob(token, { block: false });
    if (!job) return;
    const { shard, round, count } = job.data;
    await takeTurn(fleet, 'default', count);
    await records.begin(run, shard, round, token);
    await job.updateProgress({ done: count, kept: 0, failed: 0, skipped: 0, encoded: count, rate: 0, worker: token });
    await records.read(run);
    const change = { done: count, kept: 0, failed: 0, skipped: 0, encoded: count, seconds: 1 };
    await records.complete(run, shard, round, { change, failing: 0 });
    await job.moveToCompleted({ done: count, kept: 0, failed: 0, encoded: count }, token, false);
    done += 1;
  }
}
