/** Runs that write texts into the pictures: what is known of a picture is known of the one with the text. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Interrogator, type RunOptions, runFolder } from '../../../lib';
import { encoded } from '../support/picture-set';
import { openSample } from '../support/sample';

let work: string;
let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await openSample();
});
afterAll(() => interrogator.dispose());
beforeEach(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'embed-run-'));
  mkdirSync(path.join(work, 'set'));
  for (let i = 0; i < 6; i += 1) writeFileSync(path.join(work, 'set', `${i}.png`), await encoded(i, 'png'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const start = (folder: string, options: RunOptions = {}) =>
  runFolder(path.join(work, folder), {
    interrogators: [interrogator],
    task: { kind: 'interrogate', modes: ['fast'] },
    embed: 'xmp',
    out: [path.join(work, `${folder}.jsonl`)],
    state: path.join(work, `${folder} state`),
    ...options,
  });

/** Without the folders' names. */
const rowsOf = (folder: string): object[] =>
  readFileSync(path.join(work, `${folder}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ image, ...row }) => ({ ...row, image: path.basename(image) }));

test('an interrupted run writes what an uninterrupted one writes, and later ones with other words do too', async () => {
  cpSync(path.join(work, 'set'), path.join(work, 'whole'), { recursive: true });
  expect(await start('whole').finish()).toMatchObject({ done: 6, failed: 0 });
  const run = start('set', { concurrency: 1 });
  for await (const _ of run) run.stop();
  expect(run.result).toMatchObject({ aborted: true });
  const { done, kept, failed } = await start('set').finish();
  expect(kept).toBeGreaterThan(0);
  expect({ total: done + kept, failed }).toEqual({ total: 6, failed: 0 });
  expect(rowsOf('set')).toEqual(rowsOf('whole'));
  const shas = (rows: object[]) => rows.map((row) => (row as { sha256: string }).sha256);
  const before = shas(rowsOf('set'));
  expect(await start('set', { words: { trigger: 'sks' } }).finish()).toMatchObject({ done: 0, kept: 6, failed: 0 });
  expect(readFileSync(path.join(work, 'set', '0.png'), 'latin1')).toContain('sks');
  expect(await start('set', { words: { trigger: 'sks' } }).finish()).toMatchObject({ done: 0, kept: 6, failed: 0 });
  expect(shas(rowsOf('set'))).toEqual(before);
});

test('a picture that somebody changes between its result and its text is left as it is, and told of', async () => {
  const file = path.join(work, 'set', '0.png');
  const other = await encoded(99, 'png');
  const words = { maxTokens: 70 };
  // Tokens are counted between the two.
  const count = interrogator.countTokens.bind(interrogator);
  const counting = jest.spyOn(interrogator, 'countTokens').mockImplementationOnce((text) => {
    writeFileSync(file, other);
    return count(text);
  });
  const summary = await start('set', { words, concurrency: 1 }).finish();
  counting.mockRestore();
  expect(summary.failures).toMatchObject([{ code: 'ERR_IO', count: 1 }]);
  expect(readFileSync(file).equals(other)).toBe(true);
  expect(await start('set', { words }).finish()).toMatchObject({ done: 1, kept: 5, failed: 0 });
});

test('a process that ends before a picture has its text, or after it: nothing is computed again', async () => {
  const files = readdirSync(path.join(work, 'set'));
  const old = files.map((name) => readFileSync(path.join(work, 'set', name)));
  await start('set').finish();
  const embedded = files.map((name) => readFileSync(path.join(work, 'set', name)));
  const rows = rowsOf('set');
  // The last that the ledger knows is what some of them were to become.
  for (const i of [0, 2, 4]) writeFileSync(path.join(work, 'set', files[i] as string), old[i] as Buffer);
  const { batched } = interrogator.stats().device;
  expect(await start('set').finish()).toMatchObject({ done: 0, kept: 6, encoded: 0, failed: 0 });
  expect(interrogator.stats().device.batched).toBe(batched);
  expect(rowsOf('set')).toEqual(rows);
  expect(files.map((name) => readFileSync(path.join(work, 'set', name)))).toEqual(embedded);
});

test('a picture that is no file of its own takes no text, and says so', async () => {
  const url = `data:image/png;base64,${(await encoded(7, 'png')).toString('base64')}`;
  const run = runFolder([url, path.join(work, 'set', '0.png')], {
    interrogators: [interrogator],
    task: { kind: 'interrogate', modes: ['fast'] },
    embed: 'xmp',
    state: path.join(work, 'state'),
  });
  expect(await run.finish()).toMatchObject({ done: 1, failed: 1, failures: [{ code: 'ERR_INVALID_ARGUMENT', count: 1 }] });
});
