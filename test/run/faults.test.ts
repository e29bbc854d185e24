/** What goes wrong around a run: full disks, folders that take no files, many files. Each is told in plain words, and the ledger is whole. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Interrogator, type RunOptions, type RunSummary, runFolder } from '../../lib';
import { longestTurn } from '../support/main-thread';
import { mountSmall, mounts } from '../support/small-disk';
import { encoded } from './support/picture-set';
import { openSample } from './support/sample';

const COUNT = 24;
let work: string;
let folder: string;
let interrogator: Interrogator;

beforeAll(async () => {
  interrogator = await openSample();
});
afterAll(() => interrogator.dispose());
beforeEach(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'faults-'));
  folder = path.join(work, 'set');
  mkdirSync(folder);
  for (let i = 0; i < COUNT; i += 1) writeFileSync(path.join(folder, `${i}.png`), await encoded(i, 'png'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const run = (options: RunOptions = {}): Promise<RunSummary> =>
  runFolder(folder, { interrogators: [interrogator], task: { kind: 'interrogate', modes: ['fast'] }, ...options }).finish();

const whereMounts = mounts() ? test : test.skip;

whereMounts('a disk that fills up under the state: the run ends and says so; with room again it goes on where it was', async () => {
  const disk = path.join(work, 'disk');
  const unmount = mountSmall(disk, 4);
  try {
    const state = path.join(disk, 'state');
    // Room for some of the lines.
    writeFileSync(path.join(disk, 'other'), Buffer.alloc(4 * (1 << 20) - 24 * 1024));
    await expect(run({ state })).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('the disk is full'),
      hint: expect.stringContaining('it goes on where it was'),
    });
    rmSync(path.join(disk, 'other'));
    const { done, kept, failed } = await run({ state });
    expect({ total: done + kept, failed }).toEqual({ total: COUNT, failed: 0 });
    expect(kept).toBeGreaterThan(0);
    expect(await run({ state })).toMatchObject({ done: 0, kept: COUNT });
  } finally {
    unmount();
  }
});

whereMounts(
  'a disk that is full at the end: the table is an error, the old one stays, and the next run writes it without computing',
  async () => {
    const disk = path.join(work, 'disk');
    const unmount = mountSmall(disk, 1);
    try {
      const out = path.join(disk, 'out.jsonl');
      writeFileSync(out, 'old\n');
      writeFileSync(path.join(disk, 'other'), Buffer.alloc((1 << 20) - 8 * 1024));
      const options = { state: path.join(work, 'state'), out: [out] };
      await expect(run(options)).rejects.toMatchObject({ code: 'ERR_IO', message: expect.stringContaining('the disk is full') });
      expect(readdirSync(disk).sort()).toEqual(['other', 'out.jsonl']);
      rmSync(path.join(disk, 'other'));
      expect(await run(options)).toMatchObject({ done: 0, kept: COUNT, written: [out] });
    } finally {
      unmount();
    }
  },
);

/** Permissions say nothing to root: a disk that is read-only does. */
whereMounts('sidecars in a folder that takes none: each picture says so, and its result is kept', async () => {
  const disk = path.join(work, 'disk');
  const unmount = mountSmall(disk, 1);
  try {
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const sidecar = { folder: disk };
    const summary = await run({ sidecar });
    expect(summary).toMatchObject({ failed: COUNT, sidecars: 0 });
    expect(summary.failures).toMatchObject([{ code: 'ERR_IO', count: COUNT, hint: expect.stringMatching(/\S/) }]);
    expect(summary.failures[0]?.examples[0]?.error.message).toMatch(/read-only/);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    expect(await run({ sidecar })).toMatchObject({ done: 0, kept: COUNT, failed: 0, sidecars: COUNT });
  } finally {
    unmount();
  }
});

test('a state that cannot be made names another way', async () => {
  writeFileSync(path.join(work, 'file'), '');
  await expect(run({ state: path.join(work, 'file', 'state') })).rejects.toMatchObject({
    code: 'ERR_IO',
    hint: expect.stringContaining('--state'),
  });
});

test.each(['out.xyz', 'out'])('%s is no table: told before any picture is read', async (name) => {
  await expect(run({ out: [path.join(work, name)] })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    hint: expect.stringContaining('.parquet'),
  });
  expect(existsSync(path.join(folder, '.torch-interrogator'))).toBe(false);
});

test('10,000 files in one folder leave the event loop its turns, and are all there', async () => {
  for (let i = COUNT; i < 10_000; i += 1) writeFileSync(path.join(folder, `${i}.png`), 'no picture');
  chmodSync(folder, 0o755);
  let summary: RunSummary | undefined;
  const longest = await longestTurn(async () => {
    summary = await run();
  });
  expect(summary).toMatchObject({ done: COUNT, failed: 10_000 - COUNT });
  expect(longest).toBeLessThan(250);
  expect(await run()).toMatchObject({ done: 0, kept: COUNT, failed: 10_000 - COUNT });
}, 120_000);
