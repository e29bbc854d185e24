/** Redis, stores and people in the middle of things: runs come to their end all the same, with the right counts. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelRun, Fleet, pauseRun, type RunView, RunWorker, readRun, removeRun, retryRun, submitRun, watchRun } from '../../lib/fleet';
import { RunRecords } from '../../lib/fleet/runs/records';
import { summaryLine } from '../../lib/fleet/runs/row-lines';
import { MOST_FAULTS } from '../../lib/fleet/work/jobs/workplace';
import { jsonLines, runCommand } from '../cli/command';
import { encoded } from '../run/support/picture-set';
import { WorkerProcess } from './support/fleet-process';
import { TestProxy, TestRedis } from './support/redis';

const CONFIG = { clipModelName: 'sample', captionModelName: null } as const;
const TASK = { kind: 'features' } as const;
const PICTURES = 12;

let work: string;
let pictures: string;
let redis: TestRedis;
let fleet: Fleet;
let prefixes = 0;
const workers: RunWorker[] = [];
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-faults-'));
  pictures = path.join(work, 'set');
  mkdirSync(pictures);
  for (let i = 0; i < PICTURES; i += 1) writeFileSync(path.join(pictures, `${i}.png`), await encoded(4000 + i, 'png'));
  redis = await TestRedis.start();
});
beforeEach(async () => {
  prefixes += 1;
  fleet = await Fleet.connect({ url: redis.url, prefix: `test-${prefixes}` });
});
afterEach(async () => {
  for (const each of workers.splice(0)) await each.close(2000);
  fleet.close();
});
afterAll(async () => {
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
});

function startWorker(options: Partial<ConstructorParameters<typeof RunWorker>[0]> = {}): RunWorker {
  const folder = path.join(work, `work-${prefixes}-${workers.length}`);
  const config = { device: 'cpu', cachePath: null, threads: 1 } as const;
  const worker = new RunWorker({ fleet, id: `worker-${workers.length}`, config, folder, log: () => {}, ...options });
  workers.push(worker);
  worker.start();
  return worker;
}

const place = (name: string): string => path.join(work, String(prefixes), name);
const submit = (name = 'out.jsonl', more: Partial<Parameters<typeof submitRun>[2]> = {}) =>
  submitRun(fleet, pictures, { config: CONFIG, task: TASK, out: [place(name)], shardSize: 2, ...more });

async function toEnd(run: string): Promise<RunView> {
  let last: RunView | undefined;
  for await (const view of watchRun(fleet, run)) last = view;
  return last as RunView;
}

const rowsOf = (name = 'out.jsonl') => jsonLines<{ image: string; error?: object }>(readFileSync(place(name), 'utf8'));

test('a store that is away for a while costs time alone', async () => {
  const id = await submit();
  const state = path.join(work, String(prefixes), '.torch-interrogator');
  mkdirSync(path.dirname(state), { recursive: true });
  // A file in its place: nothing can be written there.
  writeFileSync(state, '');
  startWorker();
  await sleep(1500);
  expect(await readRun(fleet, id)).toMatchObject({ state: 'running', shards: { left: PICTURES / 2 } });
  rmSync(state);
  const { state: ended, done, kept, failed } = await toEnd(id);
  expect({ ended, all: done + kept, failed }).toEqual({ ended: 'ended', all: PICTURES, failed: 0 });
}, 90_000);

test('a store that takes no writes for a while fails nothing, and computes nothing twice', async () => {
  const id = await submit('out.jsonl', { state: place('state') });
  const shards = place(`state/fleet/${id}/shards`);
  rmSync(shards, { recursive: true, force: true });
  mkdirSync(path.dirname(shards), { recursive: true });
  writeFileSync(shards, '');
  let failures = 0;
  const worker = startWorker({
    log: ({ event }) => {
      if (event === 'failed') failures += 1;
    },
  });
  while (failures < 2) await sleep(20);
  rmSync(shards);
  const view = await toEnd(id);
  expect(view).toMatchObject({ state: 'ended', failed: 0, shards: { lost: 0 } });
  // What an attempt has made, the next one has.
  expect(view.kept).toBeGreaterThan(0);
  expect(view.encoded + view.kept).toBe(PICTURES);
  await worker.close(0);
  const left = readdirSync(path.join(work, `work-${prefixes}-0`), { recursive: true }).filter((name) => /\.jsonl$/.test(String(name)));
  expect(left).toEqual([]);
}, 90_000);

test('a Redis whose memory is full for a while costs time alone, and is told of in words', async () => {
  const id = await submit();
  const told = new Set<string>();
  startWorker({ lockSeconds: 2, shards: 1, log: ({ message = '' }) => told.add(message) });
  while ((await readRun(fleet, id)).shards.left === PICTURES / 2) await sleep(5);
  await fleet.redis.config('SET', 'maxmemory', '1');
  await sleep(1000);
  await fleet.redis.config('SET', 'maxmemory', '0');
  expect(await toEnd(id)).toMatchObject({ state: 'ended', failed: 0, total: PICTURES });
  expect([...told].filter((message) => /OOM/.test(message))).toEqual([]);
}, 60_000);

test('a run that several try again at the same time is tried again once', async () => {
  const broken = path.join(pictures, 'broken.png');
  writeFileSync(broken, 'no picture');
  try {
    const id = await submit();
    startWorker();
    expect(await toEnd(id)).toMatchObject({ failed: 1 });
    for (let round = 1; round <= 3; round += 1) {
      const tries = await Promise.allSettled(
        Array.from({ length: 5 }, async (_, i) => sleep(3 * i * round).then(() => retryRun(fleet, id))),
      );
      expect(tries.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
      for (const each of tries) {
        if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      }
      expect(await toEnd(id)).toMatchObject({ state: 'ended', failed: 1, done: PICTURES });
    }
    const records = new RunRecords(fleet);
    const { round } = await records.read(id);
    // Whoever has looked at it before the last round began comes too late.
    expect(await records.reopen(id, round, 1)).toBe(false);
    expect(await records.read(id)).toMatchObject({ state: 'ended', left: 0 });
  } finally {
    rmSync(broken);
  }
}, 60_000);

test('of a run that is cancelled and removed while a shard is under way nothing is left', async () => {
  let begun = 0;
  let go = (): void => {};
  const going = new Promise<void>((resolve) => {
    go = resolve;
  });
  let isWritten = false;
  startWorker({
    makeShard: async (_, __, file) => {
      begun += 1;
      await going;
      writeFileSync(
        file,
        summaryLine({ done: 2, kept: 0, failed: 0, skipped: 0, encoded: 2, seconds: 1, failures: [], keys: [], embedDim: 0 }),
      );
      isWritten = true;
    },
  });
  const id = await submit('out.jsonl', { state: place('state') });
  while (begun === 0) await sleep(5);
  await cancelRun(fleet, id);
  await removeRun(fleet, id);
  go();
  while (!isWritten) await sleep(5);
  await workers[0]?.close(5000);
  const left = readdirSync(place('state'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.map(({ name }) => name)).toEqual([]);
  expect(await fleet.redis.keys(`*${id}*`)).toEqual([]);
}, 60_000);

test('an output that cannot be written is tried again, and then what the run fails with; retry writes it', async () => {
  const id = await submit('none/out.jsonl', { state: place('state') });
  rmSync(place('none'), { recursive: true, force: true });
  mkdirSync(path.dirname(place('none')), { recursive: true });
  writeFileSync(place('none'), 'in the way');
  // Others have tried before, and have waited longer each time.
  for (let i = 1; i < MOST_FAULTS - 1; i += 1) await new RunRecords(fleet).fault(id, 'merge-0', `earlier ${i}`);
  startWorker();
  const failed = await toEnd(id);
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'ERR_IO' } });
  rmSync(place('none'));
  await retryRun(fleet, id);
  expect(await toEnd(id)).toMatchObject({ state: 'ended', done: PICTURES, failed: 0 });
  expect(rowsOf('none/out.jsonl')).toHaveLength(PICTURES);
}, 120_000);

test('connections that are cut while a run is submitted, again and again, count nothing twice', async () => {
  const proxy = await TestProxy.before(redis);
  const cut = await Fleet.connect({ url: proxy.url, prefix: fleet.prefix });
  const cutting = setInterval(() => proxy.cut(), 40);
  try {
    const id = await submitRun(cut, pictures, { config: CONFIG, task: TASK, out: [place('out.jsonl')], shardSize: 1 });
    startWorker();
    expect(await toEnd(id)).toMatchObject({ state: 'ended', total: PICTURES, done: PICTURES, shards: { total: PICTURES, left: 0 } });
    expect(rowsOf()).toHaveLength(PICTURES);
  } finally {
    clearInterval(cutting);
    cut.close();
    await proxy.close();
  }
}, 60_000);

test('what is told to Redis twice counts once', async () => {
  const id = await submit();
  const records = new RunRecords(fleet);
  await records.addShards(id, '0', { shards: 6, pictures: 12, files: 0 });
  expect((await records.read(id)).shards).toBe(PICTURES / 2);
  expect([await records.begin(id, 0, 0, 'a'), await records.begin(id, 0, 0, 'a'), await records.begin(id, 0, 0, 'b')]).toEqual([1, 1, 2]);
  await records.suspect(id, 0, 'x y', 'a');
  await records.suspect(id, 0, 'x y', 'a');
  expect([...(await records.suspects(id, 0))]).toEqual([['x y', 1]]);
  const end = { change: { done: 2, kept: 0, failed: 0, skipped: 0, encoded: 2, seconds: 1 }, failing: 0 };
  await records.complete(id, 0, 0, end);
  await records.complete(id, 0, 0, end);
  expect(await records.read(id)).toMatchObject({ done: 2, left: PICTURES / 2 - 1, lost: 1 });
});

test('cancelled while it is merged, a run stays cancelled', async () => {
  const id = await submit();
  const records = new RunRecords(fleet);
  expect(await records.move(id, { from: ['running'], to: 'merging', round: 0 })).toBe(true);
  await cancelRun(fleet, id);
  for (const to of ['running', 'ended', 'failed'] as const) expect(await records.move(id, { from: ['merging'], to, round: 0 })).toBe(false);
  expect(await readRun(fleet, id)).toMatchObject({ state: 'cancelled' });
});

test('cancelled while it is submitted, the submission fails, and leaves nothing on the queue', async () => {
  let cancelled: Promise<void> | undefined;
  const submitting = submit('out.jsonl', {
    shardSize: 1,
    from: [
      (async function* () {
        // Enough for a first batch, then a while.
        for (let i = 0; i < 40; i += 1) yield Buffer.from(`${pictures}/${i % PICTURES}.png\n`);
        while (!cancelled) await sleep(5);
        await cancelled;
        for (let i = 0; i < 40; i += 1) yield Buffer.from(`${pictures}/${i % PICTURES}.png\n`);
      })() as never,
    ],
    onSubmitted: () => {
      cancelled ??= (async () => cancelRun(fleet, (await new RunRecords(fleet).open())[0] as string))();
    },
  });
  await expect(submitting).rejects.toMatchObject({ message: expect.stringContaining('was cancelled') });
  await cancelled;
  const queues = (await fleet.redis.keys(`${fleet.prefix}:run-*`)).filter((key) => /:shard-/.test(key));
  expect(queues).toEqual([]);
});

test('a run that was paused at its end can be retried', async () => {
  const broken = path.join(pictures, 'broken.png');
  writeFileSync(broken, 'no picture');
  try {
    const id = await submit();
    startWorker();
    while ((await readRun(fleet, id)).shards.left > 0) await sleep(5);
    await pauseRun(fleet, id).catch(() => {});
    expect(await toEnd(id)).toMatchObject({ state: 'ended', failed: 1 });
    expect(await retryRun(fleet, id)).toBe(1);
    expect(await toEnd(id)).toMatchObject({ state: 'ended', failed: 1, done: PICTURES });
  } finally {
    rmSync(broken);
  }
}, 60_000);

test('results that somebody has removed are made again', async () => {
  const broken = path.join(pictures, 'broken.png');
  writeFileSync(broken, 'no picture');
  const id = await submit();
  startWorker();
  expect(await toEnd(id)).toMatchObject({ failed: 1 });
  writeFileSync(broken, await encoded(99, 'png'));
  rmSync(path.join(work, String(prefixes), '.torch-interrogator/fleet', id, 'shards/0000002.0.jsonl'));
  await retryRun(fleet, id);
  expect(await toEnd(id)).toMatchObject({ state: 'ended', failed: 0, done: PICTURES + 1 });
  expect(rowsOf()).toHaveLength(PICTURES + 1);
  rmSync(broken);
}, 60_000);

test('many short runs on few workers: each comes to its end, and no more shards are under way than a worker takes', async () => {
  let most = 0;
  const isBusy = (): boolean => {
    most = Math.max(most, ...workers.map(({ stats }) => stats.shards));
    return false;
  };
  startWorker({ shards: 1, isBusy });
  startWorker({ shards: 1, isBusy });
  const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => submit(`${i}.jsonl`, { shardSize: 5 })));
  for (const id of ids) expect(await toEnd(id)).toMatchObject({ state: 'ended', done: PICTURES });
  expect(most).toBe(1);
  expect((await fleet.redis.keys(`${fleet.prefix}:run-*`)).sort()).toEqual([]);
}, 90_000);

test('a folder that takes no files is refused at the start', async () => {
  const file = path.join(work, 'a file');
  writeFileSync(file, '');
  for (const folder of [file, path.join(file, 'below')]) {
    const options = ['--work-dir', folder, '--redis', redis.url, '--device', 'cpu', '--clip', 'sample', '--caption', 'sample'];
    const { code, stderr } = await runCommand(['worker', ...options], { cwd: work });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/Nothing can be written to .*\n.*--work-dir/) });
  }
}, 40_000);

test.each<['kill' | 'freeze', string[]]>([
  ['kill', ['--no-requests']],
  ['freeze', ['--no-requests']],
  ['freeze', ['--clip', 'sample', '--caption', 'sample']],
])(
  'without a Redis that answers a worker ends when it is told to: %s, %j',
  async (how, options) => {
    const other = await TestRedis.start();
    const worker = WorkerProcess.start(other.url, work, ['--grace', '1', ...options]);
    await worker.said(({ event }) => event === 'started');
    await other[how]();
    await sleep(300);
    expect(await worker.end('SIGTERM')).toBe(0);
    await other.stop();
  },
  40_000,
);
