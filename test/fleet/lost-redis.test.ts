/** Submissions whose Redis is lost: they wait for it, until somebody gives them up. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet, listRuns, type SubmitOptions, submitRun } from '../../lib/fleet';
import { TestProxy, TestRedis } from './support/redis';

let work: string;
let redis: TestRedis;
let proxy: TestProxy;
let fleet: Fleet;
let lossy: Fleet;
let prefixes = 0;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-lost-'));
  redis = await TestRedis.start();
});
beforeEach(async () => {
  prefixes += 1;
  proxy = await TestProxy.before(redis);
  fleet = await Fleet.connect({ url: redis.url, prefix: `test-${prefixes}` });
  lossy = await Fleet.connect({ url: proxy.url, prefix: fleet.prefix });
});
afterEach(async () => {
  fleet.close();
  lossy.close();
  await proxy.close();
});
afterAll(async () => {
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
});

/** Of pictures without an end. */
function submit(options: Partial<SubmitOptions>): Promise<string> {
  const list = (async function* () {
    for (let i = 0; ; i += 1) {
      yield Buffer.from(`${work}/${i}.png\n`);
      await sleep(1);
    }
  })();
  return submitRun(lossy, [], {
    config: { clipModelName: 'sample', captionModelName: null },
    task: { kind: 'features' },
    from: [list as never],
    out: [path.join(work, 'out.jsonl')],
    shardSize: 1,
    ...options,
  });
}

/** A submission that is given up once Redis is lost. Its count goes on where it does. */
async function givenUp(): Promise<{ submitted: number }> {
  const interrupt = new AbortController();
  const submission = { submitted: 0 };
  const rejected = expect(
    submit({
      signal: interrupt.signal,
      onSubmitted: (pictures) => {
        if (submission.submitted === 0) proxy.block();
        submission.submitted = pictures;
      },
    }),
  ).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  while (lossy.redis.status === 'ready' || submission.submitted === 0) await sleep(5);
  interrupt.abort();
  await rejected;
  return submission;
}

test('the signal ends a submission that waits for Redis', async () => {
  const submission = await givenUp();
  // What is known of it here is what was there when Redis was lost.
  expect(await listRuns(fleet)).toMatchObject([{ state: 'submitting', shards: { total: submission.submitted } }]);
});

test('one that was given up is cancelled when Redis is back, and nothing more is submitted', async () => {
  const submission = await givenUp();
  const last = submission.submitted;
  const ready = once(lossy.redis, 'ready');
  proxy.restore();
  await ready;
  while ((await listRuns(fleet))[0]?.state !== 'cancelled') await sleep(20);
  while ((await fleet.redis.keys(`${fleet.prefix}:run-*:shard-*`)).length > 0) await sleep(20);
  while ((await fleet.redis.keys(`${fleet.prefix}:run:*:submitting`)).length > 0) await sleep(20);
  expect(submission.submitted).toBe(last);
  expect(await fleet.redis.smembers(fleet.key('open-runs'))).toEqual([]);
});

test('where nobody gives it up, it goes on when Redis is back', async () => {
  const interrupt = new AbortController();
  let isBack = false;
  let last = 0;
  const submitting = submit({
    signal: interrupt.signal,
    onSubmitted: (pictures) => {
      if (isBack) interrupt.abort();
      if (last === 0) proxy.block();
      last = pictures;
    },
  });
  const rejected = expect(submitting).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  while (lossy.redis.status === 'ready') await sleep(5);
  isBack = true;
  proxy.restore();
  await rejected;
  expect(await listRuns(fleet)).toMatchObject([{ state: 'cancelled' }]);
});
