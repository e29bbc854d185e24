/** A fleet within one process: runs that the command line has no words for, and a worker of one's own. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Interrogator, type RunTask, runFolder } from '../../lib';
import { Fleet, listRuns, RunWorker, submitRun, watchRun } from '../../lib/fleet';
import { forgetOldRuns } from '../../lib/fleet/runs/expiry';
import { KEPT_MS } from '../../lib/fleet/runs/records';
import { encoded } from '../run/support/picture-set';
import { TestRedis } from './support/redis';

const CONFIG = { clipModelName: 'sample', captionModelName: null, device: 'cpu', cachePath: null, threads: 1 } as const;

let work: string;
let redis: TestRedis;
let fleet: Fleet;
let worker: RunWorker;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-library-'));
  for (let i = 0; i < 7; i += 1) writeFileSync(path.join(work, `${i}.png`), i === 4 ? 'no picture' : await encoded(3000 + i, 'png'));
  redis = await TestRedis.start();
  fleet = await Fleet.connect({ url: redis.url, prefix: 'mine' });
  const config = { device: 'cpu', cachePath: null, threads: 1 } as const;
  worker = new RunWorker({ fleet, id: 'here', config, folder: path.join(work, 'work'), log: () => {} });
  worker.start();
});
afterAll(async () => {
  await worker.close(1000);
  fleet.close();
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
});

test.each<[string, RunTask]>([
  ['rankings', { kind: 'rank', labels: ['a cat', 'a red apple', 'a car', 'a house'], topCount: 3, scores: 'probability' }],
  ['features', { kind: 'features' }],
])('%s are those of one machine', async (name, task) => {
  const outs = (folder: string): string[] => ['jsonl', 'csv'].map((suffix) => path.join(work, folder, `${name}.${suffix}`));
  await runFolder(work, { config: CONFIG, task, out: outs('local') }).finish();
  const run = await submitRun(fleet, work, { config: CONFIG, task, out: outs('fleet'), shardSize: 2 });
  let last: { state?: string; failed?: number } = {};
  for await (const view of watchRun(fleet, run)) last = view;
  expect(last).toMatchObject({ state: 'ended', failed: 1 });
  for (const [i, file] of outs('fleet').entries())
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(outs('local')[i] as string, 'utf8'));
});

test('a submission that is aborted leaves no run that goes on', async () => {
  const stop = AbortSignal.abort();
  await expect(
    submitRun(fleet, work, { config: CONFIG, task: { kind: 'features' }, out: [path.join(work, 'x.csv')], signal: stop }),
  ).rejects.toMatchObject({
    code: 'ERR_ABORTED',
  });
  expect(await fleet.redis.scard('mine:open-runs')).toBe(0);
});

test('a run that ended long ago is forgotten, with its queue and results, by one worker', async () => {
  const run = await submitRun(fleet, path.join(work, '4.png'), {
    config: CONFIG,
    task: { kind: 'features' },
    out: [path.join(work, 'old.csv')],
    state: path.join(work, 'old'),
  });
  for await (const _ of watchRun(fleet, run)) {
    // To its end.
  }
  const results = path.join(work, 'old/fleet', run, 'shards');
  expect(readdirSync(results)).not.toEqual([]);
  const key = `mine:run:${run}`;
  await fleet.redis.del('mine:forgetting');
  expect(await forgetOldRuns(fleet)).toEqual([]);
  const { endedAt } = await fleet.redis.hgetall(key);
  await fleet.redis.hset(key, 'endedAt', Number(endedAt) - KEPT_MS);
  await fleet.redis.del('mine:forgetting');
  expect((await Promise.all([forgetOldRuns(fleet), forgetOldRuns(fleet)])).flat()).toEqual([run]);
  expect(existsSync(results)).toBe(false);
  expect(await fleet.redis.keys(`*${run}*`)).toEqual([]);
  expect((await listRuns(fleet)).map((each) => each.run)).not.toContain(run);
});

test('models that runs share with other work are not loaded a second time', async () => {
  const own = await Interrogator.create({ ...CONFIG });
  const lent: unknown[] = [];
  const lender = (shared: object) => {
    lent.push(shared);
    return Promise.resolve({ interrogator: own, [Symbol.dispose]: () => {} });
  };
  const other = await Fleet.connect({ url: redis.url, prefix: 'other' });
  const helper = new RunWorker({ fleet: other, id: 'lent', config: {}, lender, folder: path.join(work, 'lent'), log: () => {} });
  helper.start();
  const run = await submitRun(other, path.join(work, '1.png'), {
    config: CONFIG,
    task: { kind: 'features' },
    out: [path.join(work, 'l/x.csv')],
  });
  for await (const _ of watchRun(other, run)) {
    // To its end.
  }
  expect(lent).toEqual([{ clipModelName: 'sample', captionModelName: null }]);
  await helper.close(1000);
  other.close();
  await own.dispose();
});
