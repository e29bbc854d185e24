/** The sign of life of submissions: there while pictures are listed, gone when they are. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet, listRuns, submitRun } from '../../lib/fleet';
import { isSubmitted, SubmissionLife } from '../../lib/fleet/runs/submission-life';
import { TestProxy, TestRedis } from './support/redis';

let work: string;
let redis: TestRedis;
let fleet: Fleet;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-life-'));
  redis = await TestRedis.start();
  fleet = await Fleet.connect({ url: redis.url });
});
afterAll(async () => {
  fleet.close();
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}

test('a run has the sign as long as its pictures are listed', async () => {
  const list = new PassThrough();
  list.write(`${path.join(work, 'a.png')}\n`);
  const submitted = submitRun(fleet, [], {
    config: { clipModelName: 'sample', captionModelName: null },
    task: { kind: 'features' },
    from: [list],
    out: [path.join(work, 'a.jsonl')],
  });
  await until(async () => (await listRuns(fleet)).length === 1);
  const [view] = await listRuns(fleet);
  const id = view?.run as string;
  expect(view?.state).toBe('submitting');
  expect(await isSubmitted(fleet, id)).toBe(true);
  // Of a process that is killed it goes by itself.
  const left = await fleet.redis.pttl(fleet.key('run', id, 'submitting'));
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(60_000);
  list.end();
  expect(await submitted).toBe(id);
  expect(await isSubmitted(fleet, id)).toBe(false);
});

test('no run is seen without it', async () => {
  const order: string[] = [];
  const { redis: connection } = fleet;
  const [set, hset] = [jest.spyOn(connection, 'set'), jest.spyOn(connection, 'hset')];
  set.mockImplementation(((key: string) => Promise.resolve(order.push(key))) as never);
  hset.mockImplementation(((key: string) => Promise.reject(new Error(`stop at ${order.push(key)}`))) as never);
  const options = {
    config: { clipModelName: 'sample', captionModelName: null },
    task: { kind: 'features' },
    out: [path.join(work, 'b.csv')],
  };
  await expect(submitRun(fleet, [work], options as never)).rejects.toThrow('stop at 2');
  set.mockRestore();
  hset.mockRestore();
  // Then the submission is given up.
  expect(order.slice(0, 2)).toEqual([expect.stringMatching(/:run:\w{10}:submitting$/), expect.stringMatching(/:run:\w{10}$/)]);
});

test('it is renewed again and again, and when Redis is back', async () => {
  const often = new SubmissionLife(fleet, 'often', 20);
  await often.begin();
  await fleet.redis.del(fleet.key('run', 'often', 'submitting'));
  await until(() => isSubmitted(fleet, 'often'));
  await often.end();
  expect(await isSubmitted(fleet, 'often')).toBe(false);
  await sleep(100);
  expect(await isSubmitted(fleet, 'often')).toBe(false);

  const proxy = await TestProxy.before(redis);
  const cut = await Fleet.connect({ url: proxy.url });
  const life = new SubmissionLife(cut, 'cut');
  await life.begin();
  proxy.block();
  await fleet.redis.del(fleet.key('run', 'cut', 'submitting'));
  proxy.restore();
  await until(() => isSubmitted(fleet, 'cut'));
  await life.end();
  expect(await isSubmitted(fleet, 'cut')).toBe(false);
  cut.close();
  await proxy.close();
});
