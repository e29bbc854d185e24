/** Folder runs: what is missing is done, what is known is not, whatever happens in between. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import {
  type Interrogator,
  type Row,
  type RowText,
  type RunInput,
  type RunOptions,
  type RunSummary,
  readRunStatus,
  runFolder,
} from '../../lib';
import { LEDGER_FILE } from '../../lib/run/ledger/ledger';
import { stateFolderOf } from '../../lib/run/state-folder';
import { encoded } from './support/picture-set';
import { openSample } from './support/sample';

let work: string;
let folder: string;
let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await openSample();
});
afterAll(() => interrogator.dispose());
beforeEach(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'run-'));
  folder = path.join(work, 'set');
  mkdirSync(path.join(folder, 'below'), { recursive: true });
  for (const [i, name] of ['1.png', '2.jpg', '10.webp', 'below/3.png'].entries()) {
    writeFileSync(path.join(folder, name), await encoded(i, 'png'));
  }
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const fast = { kind: 'interrogate', modes: ['fast'] } as const;

async function rowsOf(options: RunOptions = {}): Promise<{ rows: Row[]; summary: RunSummary }> {
  const run = runFolder(folder, { interrogators: [interrogator], task: fast, ...options });
  const rows: Row[] = [];
  for await (const row of run) rows.push(row);
  return { rows, summary: run.result as RunSummary };
}

const namesOf = (rows: readonly Row[]): string[] => rows.map(({ name }) => path.relative(folder, name));

test('a row for each picture in natural order, with what describe() says', async () => {
  const { rows, summary } = await rowsOf();
  expect(namesOf(rows)).toEqual(['1.png', '2.jpg', '10.webp', 'below/3.png']);
  expect(summary).toMatchObject({ done: 4, kept: 0, failed: 0, skipped: 0, aborted: false });
  for (const { name, texts, caption } of rows) {
    const described = await interrogator.describe(name, { mode: 'fast' });
    expect(texts).toEqual([{ mode: 'fast', text: described.prompt, original: described.prompt }]);
    expect(caption).toBe(described.caption);
  }
});

test('similarities are made where they are asked for, of the texts and features that are there', async () => {
  const plain = await rowsOf();
  const { rows, summary } = await rowsOf({ task: { ...fast, similarities: true } });
  expect(summary).toMatchObject({ done: 4, encoded: 0 });
  for (const [i, { name, texts }] of rows.entries()) {
    const [{ similarity, ...text }] = texts as [RowText];
    expect([text]).toEqual(plain.rows[i]?.texts);
    const described = await interrogator.describe(name, { mode: 'fast' });
    // The features are kept in float16.
    expect(Math.abs((similarity as number) - described.similarity)).toBeLessThan(1e-3);
  }
  expect((await rowsOf()).rows).toEqual(plain.rows);
});

test('the size of a picture is that of the settings it was decoded with', async () => {
  const plain = sharp({ create: { width: 40, height: 24, channels: 3, background: 'red' } });
  writeFileSync(path.join(folder, '0.jpg'), await plain.jpeg().withMetadata({ orientation: 6 }).toBuffer());
  const sizeWith = async (one: Interrogator) => {
    const { rows } = await rowsOf({ interrogators: [one] });
    return [rows[0]?.width, rows[0]?.height];
  };
  await using upright = await openSample({ orientation: 'exif' });
  for (let round = 0; round < 2; round += 1) {
    expect(await sizeWith(interrogator)).toEqual([40, 24]);
    expect(await sizeWith(upright)).toEqual([24, 40]);
  }
});

test('a second run computes nothing, and gives the same rows', async () => {
  const first = await rowsOf();
  const { batched } = interrogator.stats().device;
  const second = await rowsOf();
  expect(second.rows).toEqual(first.rows);
  expect(second.summary).toMatchObject({ done: 0, kept: 4, encoded: 0 });
  // Neither an image, nor a caption, nor a ranking.
  expect(interrogator.stats().device.batched).toBe(batched);
});

test('a touched picture is known by its content, a changed one is done again', async () => {
  await rowsOf();
  utimesSync(path.join(folder, '1.png'), new Date(), new Date());
  writeFileSync(path.join(folder, '2.jpg'), await encoded(77, 'png'));
  expect((await rowsOf()).summary).toMatchObject({ done: 1, kept: 3 });
  expect((await rowsOf()).summary).toMatchObject({ done: 0, kept: 4 });
});

test('the same content under two names is computed once', async () => {
  for (const name of ['a copy.png', 'below/another.png']) copyFileSync(path.join(folder, '1.png'), path.join(folder, name));
  const { rows, summary } = await rowsOf();
  expect(summary).toMatchObject({ done: 4, kept: 2 });
  const of = (name: string) => rows.find((row) => row.name === path.join(folder, name))?.texts;
  expect(of('a copy.png')).toEqual(of('1.png'));
  expect(of('below/another.png')).toEqual(of('1.png'));
});

test('other settings are results beside the old ones, without a second pass over the images', async () => {
  const first = await rowsOf();
  expect(first.summary.encoded).toBe(4);
  const features = (): number[] =>
    readdirSync(path.join(folder, '.torch-interrogator'))
      .filter((name) => name.endsWith('.f16'))
      .map((name) => statSync(path.join(folder, '.torch-interrogator', name)).size);
  const before = features();
  const ofCaptions = (await rowsOf({ task: { kind: 'interrogate', modes: ['classic', 'negative', 'caption'] } })).rows;
  expect(ofCaptions[0]?.texts?.map(({ mode }) => mode)).toEqual(['classic', 'negative', 'caption']);
  const ranked = await rowsOf({ task: { kind: 'rank', labels: ['red', 'green', 'blue'], topCount: 2, scores: 'cosine' } });
  expect(ranked.rows[0]?.ranked).toHaveLength(2);
  expect((await rowsOf({ task: { kind: 'features' } })).rows[0]?.features).toHaveLength(interrogator.embedDim);
  expect(ranked.summary).toMatchObject({ done: 4, encoded: 0 });
  expect((await rowsOf()).rows).toEqual(first.rows);
  // Every image that is encoded leaves a row.
  expect(features()).toEqual(before);
});

test('again: all does everything anew; errors only what failed', async () => {
  writeFileSync(path.join(folder, 'bad.png'), 'no picture');
  const first = await rowsOf();
  expect(first.summary).toMatchObject({ done: 4, failed: 1 });
  expect((await rowsOf({ again: 'all' })).summary).toMatchObject({ done: 4, kept: 0, failed: 1 });
  writeFileSync(path.join(folder, 'new.png'), await encoded(50, 'png'));
  writeFileSync(path.join(folder, 'bad.png'), await encoded(51, 'png'));
  const errors = await rowsOf({ again: 'errors' });
  expect(namesOf(errors.rows)).toContain('bad.png');
  expect(errors.rows.find(({ name }) => name.endsWith('bad.png'))?.texts).toHaveLength(1);
  expect(namesOf(errors.rows)).not.toContain('new.png');
  expect((await rowsOf()).summary).toMatchObject({ done: 1, kept: 5, failed: 0 });
});

test('errors are grouped by their cause, and name the picture that they are of, also of copies', async () => {
  for (const name of ['a.png', 'b.png', 'c.png']) writeFileSync(path.join(folder, name), 'no picture');
  writeFileSync(path.join(folder, 'd.png'), '');
  const { rows, summary } = await rowsOf();
  expect(summary.failures.map(({ code, count }) => [code, count])).toEqual([
    ['ERR_IMAGE_FORMAT', 3],
    ['ERR_IMAGE_EMPTY', 1],
  ]);
  for (const { name, error } of rows) if (error) expect(error.message).toContain(name);
});

test('two runs with one state at once: the second says so', async () => {
  const run = runFolder(folder, { interrogators: [interrogator], task: fast });
  for await (const _ of run) {
    await expect(runFolder(folder, { interrogators: [interrogator], task: fast }).finish()).rejects.toMatchObject({ code: 'ERR_BUSY' });
  }
  await expect(runFolder(folder, { interrogators: [interrogator], task: fast }).finish()).resolves.toMatchObject({ kept: 4 });
});

test('stop() lets what is under way end; the next run does the others', async () => {
  for (let i = 0; i < 60; i += 1) writeFileSync(path.join(folder, `more ${i}.png`), await encoded(200 + i, 'png'));
  const run = runFolder(folder, { interrogators: [interrogator], task: fast, concurrency: 2 });
  const rows: Row[] = [];
  for await (const row of run) {
    rows.push(row);
    if (rows.length === 5) run.stop();
  }
  expect(run.result).toMatchObject({ aborted: true });
  expect(rows.length).toBeLessThan(40);
  const { summary } = await rowsOf();
  expect(summary.kept).toBeGreaterThanOrEqual(rows.length);
  expect(summary.done + summary.kept).toBe(64);
});

test('who leaves the loop, and a signal, end the run, and what was done is kept', async () => {
  for await (const _ of runFolder(folder, { interrogators: [interrogator], task: fast, concurrency: 1 })) break;
  const controller = new AbortController();
  const aborted = (async () => {
    for await (const _ of runFolder(folder, { interrogators: [interrogator], task: fast, signal: controller.signal })) controller.abort();
  })();
  await expect(aborted).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  const { summary } = await rowsOf();
  expect(summary.kept).toBeGreaterThan(0);
  expect(summary.done + summary.kept).toBe(4);
});

test('the set may be moved: what is known goes with it', async () => {
  await rowsOf();
  const elsewhere = path.join(work, 'elsewhere');
  renameSync(folder, elsewhere);
  folder = elsewhere;
  expect((await rowsOf()).summary).toMatchObject({ done: 0, kept: 4 });
});

test('a state elsewhere leaves the pictures alone; null keeps nothing', async () => {
  const state = path.join(work, 'state');
  await rowsOf({ state });
  expect(readFileSync(path.join(state, LEDGER_FILE), 'utf8').split('\n').length).toBeGreaterThan(4);
  await rowsOf({ state: null });
  expect(() => readFileSync(path.join(folder, '.torch-interrogator', LEDGER_FILE))).toThrow(/ENOENT/);
  expect((await rowsOf({ state })).summary).toMatchObject({ done: 0, kept: 4 });
});

test('rows have the same digests with a state and without one, also of what cannot be decoded', async () => {
  writeFileSync(path.join(folder, 'bad.png'), 'no picture');
  writeFileSync(path.join(folder, 'empty.png'), '');
  symlinkSync('nowhere', path.join(folder, 'gone.png'));
  const digests = ({ rows }: { rows: Row[] }) => rows.map(({ name, sha256, error }) => [name, sha256, error?.code]);
  const unkept = await rowsOf({ state: null });
  expect(digests(unkept)).toEqual(digests(await rowsOf()));
  for (const { name, sha256 } of unkept.rows) {
    const known = name.endsWith('gone.png') ? undefined : createHash('sha256').update(readFileSync(name)).digest('hex');
    expect([name, sha256]).toEqual([name, known]);
  }
});

test('a summary names the folder of the state, or none', async () => {
  expect((await rowsOf()).summary.state).toBe(path.join(folder, '.torch-interrogator'));
  expect((await rowsOf({ state: null })).summary.state).toBeNull();
  const run = runFolder(path.join(folder, '1.png'), { interrogators: [interrogator], task: fast });
  expect((await run.finish()).state).toBeNull();
});

test('a folder keeps its state however it is named', async () => {
  const spaced = path.join(work, 'my söt');
  renameSync(folder, spaced);
  folder = spaced;
  const named: RunInput[] = [
    spaced,
    `${spaced}/`,
    path.relative('.', spaced),
    pathToFileURL(spaced),
    pathToFileURL(spaced).href,
    `${pathToFileURL(spaced).href}/`,
    { path: Buffer.from(spaced) },
  ];
  for (const [i, input] of named.entries()) {
    const summary = await runFolder(input, { interrogators: [interrogator], task: fast }).finish();
    expect(summary).toMatchObject({ state: path.join(spaced, '.torch-interrogator'), done: i === 0 ? 4 : 0, kept: i === 0 ? 0 : 4 });
  }
});

test('a folder whose path is not UTF-8 has its state in the working directory', async () => {
  const bytes = Buffer.concat([Buffer.from(`${work}/caf`), Buffer.from([0xe9])]);
  expect(await stateFolderOf([{ path: bytes }], {})).toBeUndefined();
  mkdirSync(bytes);
  expect(await stateFolderOf([{ path: bytes }], {})).toBe(path.resolve('.torch-interrogator'));
  expect(await stateFolderOf([{ path: bytes }], { state: null })).toBeUndefined();
});

test('names with line ends and quotes', async () => {
  const name = 'a\n"b"\t\'c.png';
  writeFileSync(path.join(folder, name), await encoded(60, 'png'));
  expect(namesOf((await rowsOf()).rows)).toContain(name);
  expect((await rowsOf()).summary).toMatchObject({ done: 0, kept: 5 });
});

test('a folder that vanishes under way: its pictures fail with what is wrong, and are done when it is back', async () => {
  const run = runFolder(folder, { interrogators: [interrogator], task: fast, concurrency: 1, state: path.join(work, 'state') });
  const rows: Row[] = [];
  for await (const row of run) {
    rows.push(row);
    if (rows.length === 1) renameSync(folder, path.join(work, 'gone'));
  }
  for (const { error } of rows) if (error) expect(error.code).toMatch(/ERR_IMAGE_NOT_FOUND|ERR_IO/);
  renameSync(path.join(work, 'gone'), folder);
  const { summary } = await rowsOf({ state: path.join(work, 'state') });
  expect(summary).toMatchObject({ failed: 0 });
  expect(summary.done + summary.kept).toBe(4);
});

test('what a listener throws ends the run, and is what it rejects with', async () => {
  const thrown = new Error('of the listener');
  const run = runFolder(folder, {
    interrogators: [interrogator],
    task: { kind: 'interrogate', modes: ['best'] },
    onProgress: () => {
      throw thrown;
    },
  });
  await expect(run.finish()).rejects.toBe(thrown);
  expect((await readRunStatus(folder))?.state).toBe('failed');
  // All is closed: the next run has the state for itself.
  expect((await rowsOf()).summary).toMatchObject({ failed: 0, aborted: false });
});

test.each<[RunOptions, RegExp]>([
  [{ out: ['a.jsonl', './a.jsonl'] }, /named twice/],
  [{ out: ['a.jsonl'], report: 'a.pdf' }, /no name of a page/],
])('outputs that cannot be: %j', async (options, said) => {
  const inWork = (file: string): string => `${work}/${file}`;
  const { out = [], report } = options;
  const run = rowsOf({ out: out.map(inWork), ...(report !== undefined && { report: inWork(report) }) });
  await expect(run).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(said) });
});

test('a picture that the readers of an output cannot name has failed there, and is in the others', async () => {
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from('.png')]), await encoded(9, 'png'));
  const files = ['metadata.jsonl', 'kohya.json', 'all.csv'].map((name) => path.join(folder, name));
  const { summary } = await rowsOf({ out: files });
  expect(summary).toMatchObject({ done: 4, failed: 1, failures: [{ code: 'ERR_IO', count: 1 }] });
  const [metadata, kohya, all] = files.map((file) => readFileSync(file, 'utf8')) as [string, string, string];
  expect(metadata.trim().split('\n')).toHaveLength(4);
  expect(Object.keys(JSON.parse(kohya))).toHaveLength(4);
  expect(all.trim().split('\r\n')).toHaveLength(6);
});
