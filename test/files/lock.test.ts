/** The lock file: one holder at a time, in this process and among processes, whatever becomes of a holder. */
import { type ChildProcess, fork } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../lib/files/lock';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'lock-'));
  file = path.join(folder, 'a.lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const holder = (...args: string[]): ChildProcess => fork(path.join(__dirname, '..', 'support', 'lock-process.cjs'), [file, ...args]);
const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('close', resolve));

test('one holds it, the others wait, all get it in turn', async () => {
  let holders = 0;
  let waits = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const onWait = (): unknown => (waits += 1);
      const release = await acquireLock(file, { onWait });
      expect(++holders).toBe(1);
      await sleep(5);
      holders -= 1;
      await release();
    }),
  );
  expect(waits).toBeGreaterThan(0);
  expect(readdirSync(folder)).toEqual([]);
});

test('what a killed process held is taken by one of those who wait', async () => {
  const log = path.join(folder, 'log');
  const killed = holder();
  await new Promise((resolve) => killed.once('message', resolve));
  killed.kill('SIGKILL');
  await ended(killed);
  expect(existsSync(file)).toBe(true);
  const codes = await Promise.all([holder(log, '100'), holder(log, '100'), holder(log, '100')].map(ended));
  expect(codes).toEqual([0, 0, 0]);
  // Each wrote where it began and where it ended: no two at once.
  expect(readFileSync(log, 'utf8')).toMatch(/^(\((\d+)\)\2\n){3}$/);
  expect(existsSync(file)).toBe(false);
});

test('what a process of this machine left is taken without a wait', async () => {
  const killed = holder();
  await new Promise((resolve) => killed.once('message', resolve));
  killed.kill('SIGKILL');
  await ended(killed);
  const began = performance.now();
  await (await acquireLock(file))();
  expect(performance.now() - began).toBeLessThan(5000);
});

test.each([
  ['another machine', 'elsewhere/boot/pid:[1] 1\n'],
  ['nobody that it says', ''],
])('a lock of %s is left to those who touch it', async (_, content) => {
  writeFileSync(file, content);
  const touch = setInterval(() => utimesSync(file, new Date(), new Date()), 200);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1500);
  await expect(acquireLock(file, { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  clearInterval(touch);
  expect(readFileSync(file, 'utf8')).toBe(content);
});

test('an abort ends the wait at once, and takes nothing', async () => {
  const release = await acquireLock(file);
  const controller = new AbortController();
  const waiting = acquireLock(file, { signal: controller.signal }).catch((error) => error);
  await sleep(100);
  const began = performance.now();
  controller.abort('enough');
  expect(await waiting).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  expect(performance.now() - began).toBeLessThan(100);
  await expect(acquireLock(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a holder that lives keeps it, and keeps it touched', async () => {
  const release = await acquireLock(file);
  const before = statSync(file).mtimeMs;
  let isTaken = false;
  const waiting = acquireLock(file).then((releaseOther) => {
    isTaken = true;
    return releaseOther;
  });
  await sleep(1500);
  expect(isTaken).toBe(false);
  expect(statSync(file).mtimeMs).toBeGreaterThan(before);
  await release();
  await (await waiting)();
  expect(readdirSync(folder)).toEqual([]);
});

test('a release leaves alone what another took meanwhile', async () => {
  const release = await acquireLock(file);
  rmSync(file);
  writeFileSync(path.join(folder, 'other'), '');
  const other = await acquireLock(file);
  await release();
  expect(existsSync(file)).toBe(true);
  await other();
  expect(existsSync(file)).toBe(false);
});

test("a signal ends the wait at once, and the lock stays its holder's", async () => {
  const release = await acquireLock(file);
  const controller = new AbortController();
  const onWait = (): void => void setTimeout(() => controller.abort(), 20);
  const started = performance.now();
  await expect(acquireLock(file, { onWait, signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(performance.now() - started).toBeLessThan(200);
  expect(existsSync(file)).toBe(true);
  await release();
  expect(readdirSync(folder)).toEqual([]);
});

test('a folder that cannot be written is an error at once', async () => {
  await expect(acquireLock(path.join(folder, 'none', 'a.lock'))).rejects.toMatchObject({ code: 'ENOENT' });
  appendFileSync(path.join(folder, 'plain'), '');
  await expect(acquireLock(path.join(folder, 'plain', 'a.lock'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
