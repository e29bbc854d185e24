import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = path.join(__dirname, '..', '..');
const MAIN = path.join(ROOT, 'dist', 'cli', 'main.js');
const ROCKET = readFileSync(path.join(ROOT, 'models', 'sample', 'images', 'rocket.png'));
const SAMPLE = ['--clip', 'sample', '--caption', 'sample'];

interface Running {
  child: ChildProcess;
  url: string;
  ended: Promise<number | null>;
}

function start(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<number | null>; errors: () => string } {
  const child = spawn(process.execPath, [MAIN, 'serve', ...args], { env: { ...process.env, ...env } });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdout.resume();
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)), errors: () => errors };
}

async function serve(args: readonly string[], env?: Record<string, string>): Promise<Running> {
  const { child, ended } = start(['--port', '0', ...SAMPLE, ...args], env);
  const url = await new Promise<string>((resolve) => {
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      const [, found] = /is at (http\S+)/.exec(line) ?? [];
      if (found) resolve(found);
    });
  });
  while ((await fetch(`${url}/ready`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  return { child, url, ended };
}

test('SIGTERM in the middle loses no request that was accepted, and ends with 0', async () => {
  const { child, url, ended } = await serve([]);
  const ask = (i: number): Promise<number> =>
    fetch(`${url}/v1/interrogate?modes=best&caption=number${i}`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: new Uint8Array(ROCKET),
    }).then(({ status }) => status);
  const asked = Array.from({ length: 30 }, (_, i) => ask(i));
  for (let waiting = 0; waiting < 25; ) {
    const { devices } = (await (await fetch(`${url}/v1/status`)).json()) as { devices: { running: number; waiting: number }[] };
    waiting = (devices[0]?.running ?? 0) + (devices[0]?.waiting ?? 0);
  }
  child.kill('SIGTERM');
  // As npx hands on what systemd has sent already.
  setTimeout(() => child.kill('SIGTERM'), 20);
  for (const status of await Promise.all(asked)) expect([200, 503]).toContain(status);
  expect((await Promise.all(asked)).filter((status) => status === 200).length).toBeGreaterThanOrEqual(25);
  expect(await ended).toBe(0);
});

test('settings of the environment are taken', async () => {
  const { child, url, ended } = await serve([], { TI_API_KEY: 'secret', TI_MAX_WAIT: '7' });
  expect((await fetch(`${url}/v1/status`)).status).toBe(401);
  const answer = await fetch(`${url}/v1/status`, { headers: { authorization: 'Bearer secret' } });
  expect(await answer.json()).toMatchObject({ needsKey: true, limits: { maxWait: 7 } });
  child.kill('SIGINT');
  expect(await ended).toBe(0);
});

test('a port that is taken is told, with what to do', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const { ended, errors } = start(['--port', String(port), ...SAMPLE]);
  expect(await ended).toBe(1);
  expect(errors()).toMatch(/^error: Something else listens at 127.0.0.1:\d+\. \(ERR_IO\)\nTake another --port/);
  other.close();
});

test('a model that there is not ends it with 2', async () => {
  const { ended, errors } = start(['--port', '0', '--clip', 'nothing/here', '--caption', 'sample']);
  expect(await ended).toBe(2);
  expect(errors()).toContain('ERR_MODEL_UNKNOWN');
});

(process.platform === 'linux' ? test : test.skip)('the event loop goes before decoding and the device', async () => {
  const { child, ended } = await serve([]);
  const pid = child.pid as number;
  const priorities = (): number[] => readdirSync(`/proc/${pid}/task`).map((thread) => os.getPriority(Number(thread)) - os.getPriority(pid));
  while (priorities().filter((steps) => steps > 0).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(os.getPriority(pid)).toBe(os.getPriority());
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('a second signal, not at once, ends it without finishing', async () => {
  const { child, url, ended } = await serve(['--grace', '600']);
  // Work for minutes.
  for (let i = 0; i < 300; i += 1) {
    const { status } = await fetch(`${url}/v1/interrogate?modes=best&numBeams=64&caption=&minFlavors=${i % 30}`, {
      method: 'POST',
      headers: { 'content-type': 'image/png', prefer: 'respond-async' },
      body: new Uint8Array(ROCKET),
    });
    expect(status).toBe(202);
  }
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await ended).toBe(1);
});

test('it serves on, and ends, where nobody reads its log any more', async () => {
  const { child, url, ended } = await serve([]);
  // First it stalls, until nothing more fits in between; then it is gone.
  child.stdout?.pause();
  const asked = Array.from({ length: 1500 }, () => fetch(`${url}/v1/models/nosuch`).then(({ status }) => status));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  child.stdout?.destroy();
  child.stderr?.destroy();
  expect(new Set(await Promise.all(asked))).toEqual(new Set([404]));
  for (let i = 0; i < 20; i += 1) expect((await fetch(`${url}/v1/models/nosuch`)).status).toBe(404);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});
