/** An inspection finds what was planted in a set, and says what it cannot look at. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Inspection, type InspectOptions, Interrogator, inspectFolder, runFolder } from '../../../lib';
import { Ledger } from '../../../lib/run/ledger/ledger';
import { copySample, EDITS, picture, writePicture } from './set';

const SETTINGS = { clipModelName: 'sample', captionModelName: null, device: 'cpu', cachePath: null, quiet: true };
/** Pictures unlike each other, as the sample pair sees them. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

let interrogator: Interrogator;
let folder: string;
beforeAll(async () => {
  interrogator = await Interrogator.create(SETTINGS);
});
afterAll(() => interrogator.dispose());
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'inspected-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);
const plant = (name: string, seed: number): Promise<void> => writePicture(at(name), picture(seed).png());
const run = (options = {}) => runFolder(folder, { interrogators: [interrogator], task: { kind: 'features' }, ...options }).finish();
const inspect = (options: InspectOptions = {}): Promise<Inspection> => inspectFolder(folder, { interrogator, ...options });

test('duplicates are found under all their names', async () => {
  for (const seed of SEEDS) await plant(`picture ${seed}.png`, seed);
  copyFileSync(at('picture 2.png'), at('picture 10.png'));
  copyFileSync(at('picture 2.png'), at('b.png'));
  copyFileSync(at('picture 5.png'), at('c.png'));
  await run();
  const { duplicates, pictures, nearDuplicates } = await inspect();
  expect(duplicates.map((group) => group.pictures)).toEqual([
    ['b.png', 'picture 2.png', 'picture 10.png'],
    ['c.png', 'picture 5.png'],
  ]);
  expect(pictures).toEqual({ known: 11, gone: 0, changed: 0, withoutFeatures: 0, inspected: 11, contents: 8 });
  expect(nearDuplicates).toEqual({ threshold: 0.975, groups: [] });
});

test('near duplicates are found: re-encoded, resized, slightly cropped', async () => {
  for (const seed of SEEDS) await plant(`${seed}.png`, seed);
  const edited = [3, 6];
  for (const seed of edited)
    for (const [name, edit] of Object.entries(EDITS)) await writePicture(at(`${seed} ${name}`), edit(picture(seed)));
  copyFileSync(at('3.png'), at('3 copy.png'));
  await run();
  const { nearDuplicates, outliers } = await inspect();
  expect(nearDuplicates.groups.map(({ pictures, contents }) => [contents, new Set(pictures)])).toEqual([
    [5, new Set(['3.png', '3 copy.png', ...Object.keys(EDITS).map((name) => `3 ${name}`)])],
    [5, new Set(['6.png', ...Object.keys(EDITS).map((name) => `6 ${name}`)])],
  ]);
  for (const { similarity } of nearDuplicates.groups) expect(similarity).toBeGreaterThanOrEqual(0.975);
  // Each of them is like another: those without edits are less so.
  const alone = SEEDS.filter((seed) => !edited.includes(seed)).map((seed) => `${seed}.png`);
  expect(
    outliers.pictures
      .slice(0, alone.length)
      .map(({ image }) => image)
      .sort(),
  ).toEqual(alone);
  const none = await inspect({ duplicateThreshold: 1 });
  expect(none.nearDuplicates.groups).toEqual([]);
});

test('the picture unlike all others comes first', async () => {
  for (const seed of SEEDS) await plant(`${seed}.png`, seed);
  copySample('apple', at('apple.png'));
  await run();
  const { outliers, coverage } = await inspect({ most: 3 });
  expect(outliers.pictures).toHaveLength(3);
  expect(outliers.pictures[0]).toMatchObject({ image: 'apple.png' });
  expect(outliers.pictures[0]?.deviations).toBeGreaterThan(1);
  expect(coverage.meanSimilarity).toBeLessThan(1);
});

test('captions that belong to another picture come first', async () => {
  const texts = { apple: 'a red apple', 'cat-and-pizza': 'a cat next to a pizza', rocket: 'a rocket' };
  for (const [name, text] of Object.entries(texts)) {
    for (const copy of ['first', 'second']) {
      copySample(name, at(`${copy}/${name}.png`));
      writeFileSync(at(`${copy}/${name}.caption`), `${text}\n`);
    }
  }
  writeFileSync(at('first/apple.caption'), ` ${texts.rocket}\n`);
  writeFileSync(at('second/rocket.caption'), texts['cat-and-pizza']);
  writeFileSync(at('second/apple.caption'), '\n');
  rmSync(at('first/cat-and-pizza.caption'));
  await run();
  const { captions, terms } = await inspect({ sidecar: '.caption' });
  expect(captions).toMatchObject({ extension: '.caption', scored: 4, missing: 1, empty: 1 });
  const [first, second, third] = captions.worst;
  expect([first, second].map((fit) => `${fit?.image}: ${fit?.caption}`).sort()).toEqual([
    'first/apple.png: a rocket',
    'second/rocket.png: a cat next to a pizza',
  ]);
  expect(third?.similarity).toBeGreaterThan((second?.similarity as number) + 0.1);
  expect(first?.deviations).toBeGreaterThan(0);
  const { similarity, image } = third as (typeof captions.worst)[0];
  using features = await interrogator.imageToFeatures(at(image));
  expect(similarity).toBeCloseTo(await interrogator.similarity(features, third?.caption as string), 3);
  expect(terms).toMatchObject({ of: 'sidecars', pictures: 4, distinct: 2 });
  expect((await inspect()).captions).toMatchObject({ extension: '.txt', scored: 0, missing: 6, mean: null, worst: [] });
});

test('terms are those of the texts that a run has made', async () => {
  for (const name of ['apple', 'rocket']) copySample(name, at(`${name}.png`));
  await run({ task: { kind: 'interrogate', modes: ['fast', 'negative'], caption: 'my caption, in two parts' } });
  const { terms, coverage } = await inspect();
  expect(terms).toMatchObject({ of: 'texts', pictures: 2 });
  expect(terms.common.map(({ term }) => term)).not.toContain('my caption');
  for (const { pictures, share } of terms.shared) expect([pictures, share]).toEqual([2, 1]);
  expect(coverage.effectiveTerms).toBeGreaterThan(1);
  expect(coverage.effectiveTerms).toBeLessThanOrEqual(terms.distinct);
});

test('the same set gives the same inspection, whatever the order in which a run has come to its pictures', async () => {
  for (const seed of SEEDS) await plant(`${seed}.png`, seed);
  copyFileSync(at('1.png'), at('9.png'));
  await run();
  const first = await inspect();
  expect(await inspect()).toEqual(first);
  rmSync(at('.torch-interrogator'), { recursive: true });
  await run({ include: ['9.png', '4.png'] });
  await run();
  expect(await inspect()).toEqual(first);
});

test('pictures that are gone count nowhere; those that changed and broken ones are told of', async () => {
  for (const seed of SEEDS) await plant(`${seed}.png`, seed);
  copyFileSync(at('1.png'), at('one.png'));
  writeFileSync(at('broken.png'), 'This is no picture.');
  await run();
  rmSync(at('one.png'));
  rmSync(at('8.png'));
  writeFileSync(at('2.png'), 'This is another one.');
  const { pictures, duplicates } = await inspect();
  expect(pictures).toEqual({ known: 10, gone: 2, changed: 1, withoutFeatures: 1, inspected: 7, contents: 7 });
  expect(duplicates).toEqual([]);
});

test('a set of one picture, and one of none, have nothing to compare', async () => {
  await plant('1.png', 1);
  await run();
  expect(await inspect()).toMatchObject({
    pictures: { inspected: 1 },
    duplicates: [],
    nearDuplicates: { groups: [] },
    outliers: { mean: null, pictures: [] },
    coverage: { meanSimilarity: null },
  });
  rmSync(at('1.png'));
  expect(await inspect()).toMatchObject({ pictures: { known: 1, gone: 1, inspected: 0, contents: 0 }, outliers: { pictures: [] } });
});

test('names that are no UTF-8 are found again, with their text files', async () => {
  const file = Buffer.concat([Buffer.from(`${folder}/gr`), Buffer.from([0xfc]), Buffer.from('n.png')]);
  const text = Buffer.concat([Buffer.from(`${folder}/gr`), Buffer.from([0xfc]), Buffer.from('n.txt')]);
  writeFileSync(file, await picture(1).png().toBuffer());
  writeFileSync(text, 'a picture');
  await run();
  const { pictures, captions } = await inspect();
  expect(pictures).toMatchObject({ gone: 0, changed: 0, inspected: 1 });
  expect(captions.worst).toMatchObject([{ image: 'gr\\xfcn.png', caption: 'a picture' }]);
});

test('of a state elsewhere only what is below the folder counts', async () => {
  await plant('in/1.png', 1);
  await plant('in/2.png', 2);
  await plant('in other/3.png', 3);
  await run({ state: at('kept') });
  const inside = await inspectFolder(at('in'), { interrogator, state: at('kept') });
  expect(inside.pictures).toMatchObject({ known: 2, gone: 0, inspected: 2 });
  const whole = await inspectFolder(folder, { interrogator, state: at('kept') });
  expect(whole.pictures).toMatchObject({ known: 3, inspected: 3 });
});

describe('says what is to be done', () => {
  const loading = jest.spyOn(Interrogator, 'create');
  beforeEach(() => loading.mockClear());

  test('where no run has been: before models are loaded', async () => {
    await plant('1.png', 1);
    const missing = inspectFolder(folder, { config: SETTINGS });
    await expect(missing).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', hint: expect.stringContaining(`features ${folder}`) });
    await expect(inspectFolder(at('nowhere'))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(loading).not.toHaveBeenCalled();
  });

  test('where another model made the features', async () => {
    await plant('1.png', 1);
    await run();
    const ledger = path.join(folder, '.torch-interrogator', 'ledger.jsonl');
    rmSync(ledger);
    const other = await Ledger.open(path.dirname(ledger));
    await other.describe('k', { task: 'image features', clip: 'f'.repeat(64), embedDim: 256, model: 'ViT-B-32/openai' });
    await other.close();
    await expect(inspect()).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      hint: 'Name the model that made them: clipModelName ViT-B-32/openai',
    });
  });

  test.each([
    { duplicateThreshold: 0 },
    { duplicateThreshold: Number.NaN },
    { duplicateThreshold: 1.01 },
    { most: 0 },
    { most: 1.5 },
    { sidecar: 'txt' },
    { sidecar: './x' },
  ])('of options that are wrong: %j', async (options) => {
    await expect(inspect(options)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

test('without a name of a model, the one that made the features is loaded, and closed again', async () => {
  await plant('1.png', 1);
  await run();
  const { clipModelName: _, ...config } = SETTINGS;
  const stages = new Set<string>();
  const { clipModel, pictures } = await inspectFolder(folder, { config, onProgress: ({ stage }) => stages.add(stage) });
  expect({ clipModel, inspected: pictures.inspected }).toEqual({ clipModel: 'sample', inspected: 1 });
  expect([...stages]).toEqual(expect.arrayContaining(['pictures', 'features', 'pairs', 'captions']));
});

test('an abort ends an inspection', async () => {
  for (const seed of SEEDS) await plant(`${seed}.png`, seed);
  await run();
  const controller = new AbortController();
  const inspection = inspect({ signal: controller.signal, onProgress: ({ stage }) => stage === 'features' && controller.abort() });
  await expect(inspection).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
