/**
 * Workers are killed and stopped, Redis is killed and started again, connections are cut, and still each picture has one result: the one of a
 * run on one machine. `FLEET_LONG=1` does it with 3,000 pictures, six kills and two restarts, and prints what it cost.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunView } from '../../lib/fleet';
import { jsonLines, runCommand } from '../cli/command';
import { Random } from '../fuzz/support/random';
import { makePictureSet } from '../run/support/picture-set';
import { WorkerProcess } from './support/fleet-process';
import { TestProxy, TestRedis } from './support/redis';

const IS_LONG = process.env.FLEET_LONG !== undefined;
const PICTURES = IS_LONG ? 3000 : 900;
const SHARD = IS_LONG ? 25 : 10;
const SHARDS_AT_ONCE = 2;
const LOCK_SECONDS = 5;
const EVENTS = IS_LONG ? { kill: 6, 'restart Redis': 2, cut: 4, 'block for a moment': 2 } : { kill: 2, 'restart Redis': 1, cut: 1 };

let work: string;
let redis: TestRedis;
let proxy: TestProxy;
const workers: WorkerProcess[] = [];
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-killed-'));
  await makePictureSet(path.join(work, 'set'), PICTURES, 5);
  redis = await TestRedis.start();
  proxy = await TestProxy.before(redis);
}, 300_000);
afterAll(async () => {
  for (const each of workers) await each.end('SIGKILL');
  await proxy.close();
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
});

const MODELS = ['--clip', 'sample', '--caption', 'sample'];
const run = (...args: string[]) => runCommand(args, { cwd: work });

function startWorker(): void {
  const options = ['--lock-seconds', String(LOCK_SECONDS), '--shards', String(SHARDS_AT_ONCE)];
  workers.push(WorkerProcess.start(proxy.url, work, options));
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

const living = (): WorkerProcess[] => workers.filter(({ hasEnded }) => !hasEnded);
const shardsDone = (): number => workers.reduce((sum, { lines }) => sum + lines.filter(({ event }) => event === 'shard').length, 0);

test(
  'one result a picture, equal to the local run’s, whatever breaks',
  async () => {
    const local = await run(
      'interrogate',
      'set',
      ...MODELS,
      '--device',
      'cpu',
      '--mode',
      'fast',
      '--cache',
      'cache',
      '--out',
      'local/a.jsonl',
    );
    expect(local.code).toBe(1);
    for (let i = 0; i < 3; i += 1) startWorker();
    const fleet = ['--redis', proxy.url];
    const task = ['--mode', 'fast', '--shard-size', String(SHARD), '--out', 'fleet/a.jsonl'];
    const submitted = await run('run', 'submit', 'set', ...MODELS, ...task, ...fleet, '--json');
    expect(submitted.stderr).toBe('');
    const { run: id } = JSON.parse(submitted.stdout) as { run: string };
    const began = performance.now();
    const watching = run('run', 'watch', id, '--json', ...fleet);

    const random = new Random(23);
    const breaks = Object.entries(EVENTS).flatMap(([name, times]) => Array<string>(times).fill(name));
    // While it lasts the others may come to the end of all else.
    const events = [...shuffled(breaks, random), 'stop'];
    const shards = Math.ceil(PICTURES / SHARD);
    let done = false;
    void watching.then(() => {
      done = true;
    });
    const happened: string[] = [];
    for (const [i, event] of events.entries()) {
      const after = Math.floor(((i + 0.5) / (events.length + 0.5)) * shards);
      while (shardsDone() < after && !done) await sleep(10);
      if (done) break;
      await sleep(random.below(300));
      happened.push(event);
      if (event === 'kill') {
        await random.pick(living()).end('SIGKILL');
        startWorker();
      } else if (event === 'restart Redis') {
        await redis.kill();
        await sleep(random.below(500));
        await redis.startAgain();
      } else if (event === 'cut') {
        proxy.cut();
      } else if (event === 'block for a moment') {
        proxy.block();
        await sleep(1000);
        proxy.restore();
      } else {
        const stopped = random.pick(living());
        stopped.child.kill('SIGSTOP');
        await sleep(2.5 * LOCK_SECONDS * 1000);
        stopped.child.kill('SIGCONT');
      }
    }
    const { code, stdout } = await watching;
    const seconds = (performance.now() - began) / 1000;
    expect(happened.sort()).toEqual([...events].sort());
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'ended', total: PICTURES, shards: { total: shards, left: 0 } });
    const text = readFileSync(path.join(work, 'fleet/a.jsonl'), 'utf8');
    expect(text).toBe(readFileSync(path.join(work, 'local/a.jsonl'), 'utf8'));
    const names = jsonLines<{ image: string }>(text).map(({ image }) => image);
    expect(new Set(names).size).toBe(PICTURES);

    // Attempts at shards that came to no end: no more than were under way where a worker was killed, or stopped past its lock.
    const { lost } = (JSON.parse(stdout) as RunView).shards;
    const deaths = happened.filter((event) => event === 'kill' || event === 'stop').length;
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThanOrEqual(SHARDS_AT_ONCE * deaths);
    if (IS_LONG)
      console.log(JSON.stringify({ pictures: PICTURES, shards, events: happened, lostShards: lost, seconds: Math.round(seconds) }));

    for (const { lines } of living()) {
      const told = lines.map(({ event }) => event).filter((event) => /^redis/.test(event));
      expect(told).toEqual(told.map((_, i) => (i % 2 === 0 ? 'redis lost' : 'redis back')));
    }
    for (const each of living()) expect(await each.end('SIGTERM')).toBe(0);
  },
  IS_LONG ? 900_000 : 180_000,
);
