/** torch-interrogator status: how a run is or how it ended, for a person and for a machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { jsonLines, runHere } from './command';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'status-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const progress = { total: 9, done: 3, kept: 1, failed: 0, skipped: 0, encoded: 3, rate: 2, secondsLeft: 2.5, seconds: 2, devices: ['cpu'] };
const error = { code: 'ERR_IO', message: 'The state cannot be kept in a\nb: the disk is full.', hint: 'Free some space.' };
const leave = (fields: object): void => {
  const status = { ...progress, pid: process.pid, host: hostname(), at: '2026-01-02T03:04:05.678Z', ...fields };
  writeFileSync(path.join(folder, 'status.json'), `${JSON.stringify(status)}\n`);
};
const HOW: [string, object, string[]][] = [
  ['ended', { state: 'ended' }, ['ended 2026-01-02T03:04:05.678Z']],
  [
    'interrupted',
    { state: 'interrupted' },
    ['interrupted 2026-01-02T03:04:05.678Z: run the same command again, without --redo, and it goes on where it was'],
  ],
  [
    'failed',
    { state: 'failed', error },
    ['failed 2026-01-02T03:04:05.678Z', 'error: The state cannot be kept in a (ERR_IO)', 'b: the disk is full.', 'Free some space.'],
  ],
  // Its lock is gone.
  [
    'broken off',
    { state: 'running' },
    ['broken off after 2026-01-02T03:04:05.678Z: run the same command again, without --redo, and it goes on where it was'],
  ],
];

test.each(HOW)('%s', async (state, fields, lines) => {
  leave(fields);
  const { code, stdout } = await runHere(['status', folder]);
  expect([code, stdout.trimEnd().split('\n').slice(1)]).toEqual([0, lines]);
  expect(stdout).toMatch(/4\/9/);
  const { stdout: json } = await runHere(['status', folder, '--json']);
  expect(jsonLines(json)).toEqual([expect.objectContaining({ ...fields, state })]);
});

test('running, as long as its process holds the lock', async () => {
  leave({ state: 'running' });
  writeFileSync(path.join(folder, 'lock'), '');
  const { stdout } = await runHere(['status', folder]);
  expect(stdout.trimEnd().split('\n').at(-1)).toBe(`running: process ${process.pid} on ${hostname()}`);
});
