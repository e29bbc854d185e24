/** What people are shown of a run whose shards are under way. */
import { Worker } from 'bullmq';
import { readRun } from '../../lib/fleet';
import { Fleet } from '../../lib/fleet/redis/connect';
import { addShards, openRunQueue } from '../../lib/fleet/runs/queue';
import { RunRecords } from '../../lib/fleet/runs/records';
import { TestRedis } from './support/redis';
import { specOf } from './support/spec';

const RUN = 'viewed';
let redis: TestRedis;
let fleet: Fleet;
beforeAll(async () => {
  redis = await TestRedis.start();
  fleet = await Fleet.connect({ url: redis.url });
});
afterAll(async () => {
  fleet.close();
  await redis.stop();
});

test('all shards under way count, with what their workers said of them so far', async () => {
  const records = new RunRecords(fleet);
  await records.create(specOf(RUN));
  const queue = openRunQueue(fleet, RUN);
  const worker = new Worker(`run-${RUN}`, undefined, { connection: fleet.redis, prefix: fleet.prefix });
  try {
    await records.addShards(RUN, '0', { shards: 7, pictures: 700, files: 0 });
    await addShards(
      queue,
      Array.from({ length: 7 }, (_, shard) => ({ shard, round: 0, count: 100, roots: [], entries: [] })),
    );
    for (let i = 0; i < 5; i += 1) {
      const job = await worker.getNextJob(`token-${i}`);
      // The first one has not said anything yet.
      if (i > 0) await job?.updateProgress({ done: 10 * i, kept: 1, failed: 2, skipped: 0, encoded: 10 * i, rate: 3, worker: `w${i % 2}` });
    }
    const view = await readRun(fleet, RUN);
    expect(view).toMatchObject({
      done: 100,
      kept: 4,
      failed: 8,
      encoded: 100,
      rate: 12,
      shards: { total: 7, left: 7, active: 5, waiting: 2 },
    });
    expect(new Set(view.devices)).toEqual(new Set(['w0', 'w1']));
    expect(view.total).toBeNull();
    await records.endSubmitting(RUN);
    expect((await readRun(fleet, RUN)).total).toBe(700);
  } finally {
    await worker.close();
    await queue.close();
  }
});

test('nobody says how many pictures there are while files of many are not read', async () => {
  const records = new RunRecords(fleet);
  await records.create(specOf('files'));
  await records.addShards('files', '0', { shards: 3, pictures: 102, files: 2 });
  await records.endSubmitting('files');
  expect(await readRun(fleet, 'files')).toMatchObject({ state: 'running', total: null, secondsLeft: null });
});
