/** A run of a fleet from its submission to its outputs, on real workers. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { jsonLines, runCommand } from '../cli/command';
import { makePictureSet } from '../run/support/picture-set';
import { WorkerProcess } from './support/fleet-process';
import { TestRedis } from './support/redis';

let work: string;
let redis: TestRedis;
let workers: WorkerProcess[] = [];
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'fleet-'));
  await makePictureSet(path.join(work, 'set'), 300);
  redis = await TestRedis.start();
  workers = [WorkerProcess.start(redis.url, work), WorkerProcess.start(redis.url, work)];
}, 120_000);
afterAll(async () => {
  for (const each of workers) await each.end('SIGKILL');
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
});

const MODELS = ['--clip', 'sample', '--caption', 'sample'];
const run = (...args: string[]) => runCommand(args, { cwd: work });

async function submit(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await run('run', 'submit', ...args, ...MODELS, '--redis', redis.url, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return (JSON.parse(stdout) as { run: string }).run;
}

test('what two workers make is what one machine writes, byte for byte', async () => {
  const outputs = ['a.jsonl', 'a.csv', 'metadata.jsonl'];
  const texts = ['--mode', 'fast,negative', '--trigger', 'sks', '--max-tokens', '40'];
  const local = await run(
    'interrogate',
    'set',
    ...MODELS,
    '--device',
    'cpu',
    ...texts,
    '--progress',
    'none',
    ...outputs.flatMap((name) => ['--out', `local/${name}`]),
  );
  expect(local.code).toBe(1);
  const id = await submit('set', ...texts, '--shard-size', '20', ...outputs.flatMap((name) => ['--out', `fleet/${name}`]));
  const watched = await run('run', 'watch', id, '--redis', redis.url, '--json');
  expect(watched.code).toBe(1);
  const view = JSON.parse(watched.stdout);
  expect(view).toMatchObject({ state: 'ended', total: 300, shards: { total: 15, left: 0 } });
  for (const name of outputs)
    expect(readFileSync(path.join(work, 'fleet', name), 'utf8')).toBe(readFileSync(path.join(work, 'local', name), 'utf8'));
  const failed = jsonLines<{ error?: object }>(readFileSync(path.join(work, 'fleet/a.jsonl'), 'utf8')).filter(({ error }) => error).length;
  expect(view.failed).toBe(failed);
  expect(failed).toBeGreaterThan(5);
}, 120_000);
