/** Features that are kept outside and come back. */
import { Features, Interrogator, LabelTable } from '../../lib';
import type { NativeFeatures, NativeLabelMatrix } from '../../lib/native/types';
import { testImage } from '../support/images';

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
}

let ours: Interrogator;
beforeAll(async () => {
  ours = await Interrogator.create({ clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', cachePath: null, quiet: true });
});
afterAll(() => ours?.dispose());

test.each([1, 2, 7, 300])('%d rows come back as they went, to the last bit', async (rows) => {
  const features = await ours.textToFeatures(Array.from({ length: rows }, (_, i) => `text ${i}`));
  const kept = await features.toArray();
  for (const array of [kept, Array.from(kept), Float64Array.from(kept) as never]) {
    const again = await Features.from(array, ours);
    expect([again.rows, again.dim]).toEqual([rows, ours.embedDim]);
    expect(await again.toArray()).toEqual(kept);
  }
});

test('features that came back rank as those that never left, and the array may be written to at once', async () => {
  const features = await ours.imageToFeatures(testImage(1));
  const array = await features.toArray();
  const making = Features.from(array, ours);
  array.fill(0);
  const again = await making;
  const table = await LabelTable.create(['red', 'blue', 'green'], null, ours);
  expect(await table.rankScored(again, { topCount: 3 })).toEqual(await table.rankScored(features, { topCount: 3 }));
});

test.each<[string, unknown]>([
  ['no numbers', []],
  ['part of a row', new Float32Array(255)],
  ['text', '0.5'],
  ['a list with a hole', Object.assign(new Array(256).fill(0), { length: 512 })],
  ['NaN', new Float32Array(256).fill(Number.NaN)],
  ['infinity in the last of many rows', new Float32Array(256 * 2000).fill(0.1, 0, 256 * 2000 - 1).fill(1 / 0, 256 * 2000 - 1)],
  ['bytes', new Uint8Array(256)],
  ['null', null],
])('%s are no features', async (_, array) => {
  await expect(Features.from(array as never, ours)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});

test('closed features are gone, the rest goes on', async () => {
  const [closed, other] = [await ours.imageToFeatures(testImage(1)), await ours.imageToFeatures(testImage(2))];
  closed.close();
  closed.close();
  await expect(closed.toArray()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  await expect(other.similarity(closed)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  expect(await other.toArray()).toHaveLength(ours.embedDim);
});

test('statistics count what was done', async () => {
  const before = ours.stats();
  await Promise.all(Array.from({ length: 6 }, (_, i) => ours.imageToFeatures(testImage(i))));
  await ours.imageToFeatures('/no/such/file').catch(() => {});
  const { calls, device, decoding } = ours.stats();
  expect([calls.done - before.calls.done, calls.failed - before.calls.failed, calls.running]).toEqual([6, 1, 0]);
  expect(device.batched - before.device.batched).toBe(6);
  expect(device.batches).toBeGreaterThan(before.device.batches);
  expect(device.busySeconds).toBeGreaterThan(before.device.busySeconds);
  expect(device.weightBytes).toBeGreaterThan(1e6);
  expect(decoding).toMatchObject({ running: 0, waiting: 0 });
});

test('the progress of a chain tells the prompt so far', async () => {
  const prompts: (string | undefined)[] = [];
  const prompt = await ours.interrogate(testImage(3), {
    caption: 'a picture',
    maxFlavors: 5,
    onProgress: (event) => event.stage === 'chain' && prompts.push(event.prompt),
  });
  expect(prompts.length).toBeGreaterThan(1);
  for (const each of prompts) expect(each).toMatch(/^a picture/);
  expect(prompts.at(-1)?.length).toBeGreaterThanOrEqual((prompts[0] as string).length);
  expect(prompt.length).toBeGreaterThan(0);
});

test('a batch on a busy interrogator waits for its turn', async () => {
  await using other = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: 'sample',
    device: 'cpu',
    cachePath: null,
    quiet: true,
    maxBatch: 1,
    maxQueue: 1,
  });
  const busy = [1, 2].map((seed) => other.interrogate(testImage(seed)));
  const images = Array.from({ length: 5 }, (_, i) => testImage(i));
  const [first, second] = [
    other.interrogateBatch(images, { mode: 'caption' }),
    other.interrogateBatch(images, { mode: 'fast', concurrency: 4 }),
  ];
  const results = await Promise.all([first, second].map((batch) => collect(batch)));
  for (const { error } of results.flat()) expect(error).toBeUndefined();
  expect(results.map((each) => each.length)).toEqual([5, 5]);
  await Promise.all(busy);
});

test('a disposal ends a label table that is being made, and what waits', async () => {
  const other = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: 'sample',
    device: 'cpu',
    cachePath: null,
    quiet: true,
    threads: 1,
  });
  const labels = Array.from({ length: 60_000 }, (_, i) => `label ${i} of many`);
  let [done, total] = [0, 0];
  const started = new Promise<void>((resolve) => {
    const onProgress = (event: { done: number; total: number }): void => {
      ({ done, total } = event);
      if (done > 0) resolve();
    };
    void LabelTable.create(labels, null, other, { onProgress }).catch(({ code }) => expect(code).toBe('ERR_DISPOSED'));
  });
  await started;
  const waiting = other.interrogate(testImage(1)).catch(({ code }) => code);
  await other.dispose();
  expect(done).toBeLessThan(total);
  expect(await waiting).toBe('ERR_DISPOSED');
});

test('a closed table is gone; a merged one closes nothing of its parts', async () => {
  const features = await ours.imageToFeatures(testImage(1));
  const [red, blue] = [await LabelTable.create(['red'], null, ours), await LabelTable.create(['blue'], null, ours)];
  const both = LabelTable.merge([red, blue], ours);
  both.close();
  expect(await both.rank(features, { topCount: 2 })).toHaveLength(2);
  red.close();
  red.close();
  for (const table of [red, both]) await expect(table.rank(features)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  expect(await blue.rank(features)).toEqual(['blue']);
});

test('trees, features and embeddings that a call or an interrogator made are closed when it is done', async () => {
  const other = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: 'sample',
    device: 'cpu',
    cachePath: null,
    quiet: true,
  });
  const { binding, clip } = other.engine;
  const trees = jest.spyOn(clip, 'tree');
  const matrices = [jest.spyOn(binding, 'labelMatrixFromFeatures'), jest.spyOn(binding, 'openLabelMatrix')];
  const texts = jest.spyOn(clip, 'tokenFeatures');
  const images = jest.spyOn(clip, 'imageFeatures');
  await other.interrogate(testImage(1), { maxFlavors: 4 });
  await other.interrogateNegative(testImage(1), { maxFlavors: 2 });
  const made = await Promise.all([...texts.mock.results, ...images.mock.results].map(({ value }) => value as Promise<NativeFeatures>));
  expect(made.length).toBeGreaterThan(4);
  for (const each of made) await expect(each.toArray()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  expect(trees.mock.results).toHaveLength(2);
  const features = await other.imageToFeatures(testImage(2));
  for (const { value } of trees.mock.results)
    await expect(value.best(new Int32Array(), features.native, {})).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  await other.dispose();
  const kept = await Promise.all(matrices.flatMap(({ mock }) => mock.results.map(({ value }) => value as Promise<NativeLabelMatrix>)));
  expect(kept.length).toBeGreaterThan(4);
  const still = await ours.imageToFeatures(testImage(2));
  for (const matrix of kept) await expect(binding.topK([matrix], still.native, 1, {})).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  jest.restoreAllMocks();
});
