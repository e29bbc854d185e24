/**
 * A small seeded CLIP with clip-interrogator's whole vocabulary, beside clip-interrogator 0.6.0 itself: features,
 * rankings and every mode.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Config, Interrogator, LabelTable } from '../../lib';
import { exportBundle } from '../support/bundles';
import { expectSameRanking, FEATURE_TOLERANCE, largestDifference } from './compare';
import { expectSameBest, expectSameFastAndClassic, expectSameNegative } from './modes';
import { Reference } from './reference';
import { longPrompts, ODD_TEXTS, vocabularyLines } from './texts';

const TINY = { name: 'tiny-clip/', seed: 7, config: path.join(__dirname, 'reference', 'tiny-clip.json') };
const CAPTION = 'a photograph of something real';
const MODE_OPTIONS = { flavorIntermediateCount: 256, chunkSize: 2048 };

let reference: Reference;
let ours: Interrogator;
let work: string;
let images: string[];
let lines: string[];

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'parity-'));
  reference = await Reference.start();
  const folder = await exportBundle('clip', TINY.name, ['--untrained', '--seed', '7', '--config', TINY.config]);
  await reference.call('load', {
    clip: TINY,
    caption: null,
    options: { cache_path: path.join(work, 'theirs'), flavor_intermediate_count: MODE_OPTIONS.flavorIntermediateCount },
  });
  ours = await Interrogator.create(
    new Config({
      clipModelName: folder,
      captionModelName: null,
      cachePath: path.join(work, 'ours'),
      downloadCache: false,
      device: 'cpu',
      quiet: true,
      ...MODE_OPTIONS,
    }),
  );
  const photographs = await reference.call<string>('photographs');
  images = ['astronaut.png', 'coffee.png', 'chelsea.png', 'rocket.jpg', 'camera.png', 'motorcycle_left.png'].map((name) =>
    path.join(photographs, name),
  );
  lines = vocabularyLines(await reference.call<string>('vocabulary'), 500);
}, 900_000);

afterAll(async () => {
  await ours?.dispose();
  await reference?.stop();
  rmSync(work, { recursive: true, force: true });
});

test('image features from the file path equal the reference', async () => {
  const theirs = await reference.call<number[][]>('image_features', { paths: images });
  for (const [i, image] of images.entries()) {
    const features = await (await ours.imageToFeatures(image)).toArray();
    expect(largestDifference(features, theirs[i] as number[])).toBeLessThan(FEATURE_TOLERANCE);
  }
});

test.each([
  ['500 vocabulary lines', () => lines],
  ['prompts longer than the context', () => longPrompts(lines, [2, 5, 10, 15, 20, 25, 30, 60, 120])],
  ['odd Unicode', () => [...ODD_TEXTS]],
])('text features of %s equal the reference', async (_, texts) => {
  const theirs = await reference.call<number[][]>('text_features', { texts: texts() });
  const rows = await ours.textToFeatures(texts());
  const features = await rows.toArray();
  expect(rows.rows).toBe(theirs.length);
  const differences = theirs.map((row, i) => ({
    text: texts()[i],
    difference: largestDifference(features.subarray(i * rows.dim, (i + 1) * rows.dim), row),
  }));
  expect(differences.filter(({ difference }) => !(difference < FEATURE_TOLERANCE))).toEqual([]);
});

test.each(['artists', 'flavors', 'mediums', 'movements', 'trendings', 'negative'] as const)(
  'table %s ranks as the reference does, both ways',
  async (name) => {
    for (const image of images.slice(0, 3)) {
      const features = await ours.imageToFeatures(image);
      for (const reverse of [false, true]) {
        const theirs = await reference.call<string[]>('rank_table', { path: image, table: name, top: 40, reverse });
        const mine = await ours[name].rank(features, { topCount: 40, reverse });
        await expectSameRanking(reference, image, mine, theirs);
      }
    }
  },
  600_000,
);

test('a table of any labels ranks as the reference does, below and above the chunk size', async () => {
  const labels = [...new Set(vocabularyLines(await reference.call<string>('vocabulary'), 6000))];
  const features = await ours.imageToFeatures(images[1] as string);
  for (const count of [1, 2, 500, 2048, 2049, labels.length]) {
    for (const reverse of [false, true]) {
      const some = labels.slice(0, count);
      const call = { path: images[1], labels: some, top: 25, reverse };
      const theirs = await reference.call<string[]>('rank_labels', call);
      const table = await LabelTable.create(some, null, ours);
      await expectSameRanking(reference, images[1] as string, await table.rank(features, { topCount: 25, reverse }), theirs);
    }
  }
}, 600_000);

test('rankTop, similarity and similarities equal the reference', async () => {
  const image = images[2] as string;
  const features = await ours.imageToFeatures(image);
  const theirs = await reference.call<number[]>('similarities', { path: image, texts: lines });
  const mine = await ours.similarities(features, lines);
  expect(largestDifference(mine, theirs)).toBeLessThan(1e-5);
  expect(await ours.similarity(features, lines[3] as string)).toBeCloseTo(theirs[3] as number, 5);
  const best = lines[theirs.indexOf(Math.max(...theirs))] as string;
  const worst = lines[theirs.indexOf(Math.min(...theirs))] as string;
  expect(await ours.rankTop(features, lines)).toBe(best);
  expect(await ours.rankTop(features, lines, { reverse: true })).toBe(worst);
});

describe.each([0, 1, 2, 3, 4, 5])('on photograph %i', (index) => {
  const image = (): string => images[index] as string;

  test('fast and classic write the reference prompt', async () => {
    await expectSameFastAndClassic({ reference, ours }, { image: image(), caption: CAPTION });
  }, 600_000);

  test('negative chains the reference prompt', async () => {
    await expectSameNegative({ reference, ours }, image());
  }, 600_000);

  test('best writes the reference prompt', async () => {
    const options = index % 2 === 0 ? { min: 2, max: 12 } : { min: 8, max: 32 };
    await expectSameBest({ reference, ours }, { image: image(), caption: CAPTION }, options);
  }, 600_000);
});
