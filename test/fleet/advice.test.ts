/** Commands that run's commands advise are to be pasted: they lead to the same Redis, and to the same fleet in it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../cli/command';
import type { WorkerProcess } from './support/fleet-process';
import { FleetSession, MODELS } from './support/session';

let session: FleetSession;
let worker: WorkerProcess;
beforeAll(async () => {
  session = await FleetSession.start();
  writeFileSync(path.join(session.folder, 'broken.png'), 'no picture');
  worker = session.startWorker('--redis-prefix', 'other fleet', '--no-requests');
});
afterAll(async () => session.end());

/** The advised command's arguments, as a shell without substitutions reads them. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, inQuotes, plain]) => (inQuotes ?? plain) as string).slice(2);
}

function advised(text: string): string[] {
  const [line = ''] = text.match(/npx torch-interrogator run .*$/m) ?? [];
  return words(line);
}

const submit = (...more: readonly string[]) =>
  session.run('run', 'submit', 'broken.png', '--mode', 'caption', '--out', 'out.jsonl', ...MODELS, ...more);

test('what submit and watch advise works as it is, in the fleet that they were told of', async () => {
  const submitted = await submit('--redis', session.redis.url, '--redis-prefix', 'other fleet');
  const watching = advised(submitted.stdout);
  expect(watching.slice(0, 2)).toEqual(['run', 'watch']);
  const watched = await session.run(...watching);
  expect(watched).toMatchObject({ code: 1, stderr: expect.stringContaining('1 failed') });
  const retrying = advised(watched.stderr);
  expect(retrying.slice(0, 2)).toEqual(['run', 'retry']);
  expect(await session.run(...retrying)).toMatchObject({ code: 0, stdout: expect.stringContaining('tried again') });
  const waited = await submit('--redis', session.redis.url, '--redis-prefix', 'other fleet', '--wait');
  expect(advised(waited.stderr)).toEqual([
    'run',
    'retry',
    expect.any(String),
    '--redis',
    session.redis.url,
    '--redis-prefix',
    'other fleet',
  ]);
  expect(worker.hasEnded).toBe(false);
}, 60_000);

test('hints of errors, too', async () => {
  const { stderr } = await session.run('run', 'status', 'nosuchrun1', '--redis', session.redis.url, '--redis-prefix', 'third');
  expect(stderr).toContain(`torch-interrogator run list --redis ${session.redis.url} --redis-prefix third shows`);
});

test('what the environment has is not repeated, and no password is shown', async () => {
  const env = { TI_REDIS: session.redis.url, TI_REDIS_PREFIX: 'by-environment' };
  const args = ['run', 'submit', 'broken.png', '--mode', 'caption', '--out', 'out.jsonl', ...MODELS];
  expect((await runCommand(args, { cwd: session.folder, env })).stdout).toMatch(/run watch [a-z2-9]{10}$/m);
  // Redis has a user without a password that may be told any.
  const secret = session.redis.url.replace('redis://', 'redis://default:se:cr@et@');
  const { stdout } = await submit('--redis', secret);
  expect(stdout).toContain(`--redis 'redis://default:…@127.0.0.1:`);
  expect(stdout).not.toMatch(/se:|et@/);
});

test('who hands in work where no worker is, is told how to start one', async () => {
  const fleet = ['--redis', session.redis.url, '--redis-prefix', 'lonely'];
  const advice = `No worker is there. Start some: npx torch-interrogator worker --redis ${session.redis.url} --redis-prefix lonely`;
  const submitted = await submit(...fleet);
  expect(submitted).toMatchObject({ code: 0, stderr: `${advice}\n` });
  const id = advised(submitted.stdout)[2] as string;
  expect((await session.run('run', 'status', id, ...fleet)).stdout).toContain(advice);
  expect(JSON.parse((await session.run('run', 'status', id, ...fleet, '--json')).stdout)).toMatchObject({ state: 'running' });
});
