/** What a run's state folder says of it afterwards: whether it came to its end, was told to stop, or failed, and with what. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type FoundStatus, type Interrogator, type Run, type RunOptions, readRunStatus, runFolder } from '../../../lib';
import { mountSmall, mounts } from '../../support/small-disk';
import { encoded } from '../support/picture-set';
import { openSample } from '../support/sample';

const COUNT = 40;
let work: string;
let set: string;
let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await openSample();
  work = mkdtempSync(path.join(os.tmpdir(), 'status-'));
  set = path.join(work, 'set');
  mkdirSync(set);
  for (let i = 0; i < COUNT; i += 1) writeFileSync(path.join(set, `${i}.png`), await encoded(i, 'png'));
});
afterEach(() => rmSync(path.join(set, '.torch-interrogator'), { recursive: true, force: true }));
afterAll(async () => {
  await interrogator.dispose();
  rmSync(work, { recursive: true, force: true });
});

const runOf = (options: RunOptions = {}): Run =>
  runFolder(set, { interrogators: [interrogator], task: { kind: 'features' }, concurrency: 1, ...options });
const status = async (folder = set): Promise<FoundStatus> => (await readRunStatus(folder)) as FoundStatus;

test('while it runs it is running; at its end it has ended', async () => {
  const seen: string[] = [];
  for await (const _ of runOf()) if (seen.length === 0) seen.push((await status()).state);
  expect([...seen, (await status()).state]).toEqual(['running', 'ended']);
  expect(await status()).not.toHaveProperty('error');
});

test.each<[string, (run: Run, controller: AbortController) => Promise<unknown>]>([
  [
    'stop()',
    async (run) => {
      for await (const _ of run) run.stop();
    },
  ],
  [
    'a signal',
    async (run, controller) => {
      for await (const _ of run) controller.abort();
    },
  ],
  [
    'a caller who leaves the loop',
    async (run) => {
      for await (const _ of run) break;
    },
  ],
])('%s: it was interrupted', async (_, use) => {
  const controller = new AbortController();
  await use(runOf({ signal: controller.signal }), controller).catch(() => {});
  expect(await status()).toMatchObject({ state: 'interrupted' });
});

test.each<[string, RunOptions]>([
  ['ERR_MODEL_UNKNOWN', { config: { clipModelName: 'ViT-X-99/nobody', captionModelName: null, download: false }, devices: ['cpu'] }],
  [
    'ERR_CAPTION_MODEL_MISSING',
    {
      config: { clipModelName: 'sample', captionModelName: null, cachePath: null, quiet: true },
      devices: ['cpu'],
      task: { kind: 'interrogate', modes: ['fast'] },
    },
  ],
])('%s, before the first picture or with it: it failed, and what with', async (code, options) => {
  const { interrogators: _, ...models } = { interrogators: undefined, task: { kind: 'features' as const }, ...options };
  const error = await runFolder(set, models)
    .finish()
    .catch((thrown: { code: string; problem: string }) => thrown);
  expect(error).toMatchObject({ code });
  expect(await status()).toMatchObject({ state: 'failed', error: { code, message: (error as { problem: string }).problem } });
  // The next one that comes to its end takes the place of it.
  await runOf().finish();
  expect(await status()).toMatchObject({ state: 'ended' });
});

(mounts() ? test : test.skip)('a disk that is full has room for why the run failed', async () => {
  const disk = path.join(work, 'disk');
  const unmount = mountSmall(disk, 4);
  try {
    const state = path.join(disk, 'state');
    writeFileSync(path.join(disk, 'other'), Buffer.alloc(4 * (1 << 20) - 24 * 1024));
    await expect(runOf({ state }).finish()).rejects.toMatchObject({ code: 'ERR_IO' });
    expect(await status(state)).toMatchObject({
      state: 'failed',
      error: { code: 'ERR_IO', message: expect.stringContaining('the disk is full') },
    });
  } finally {
    unmount();
  }
});
