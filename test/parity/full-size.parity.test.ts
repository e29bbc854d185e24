/** Full-size models, untrained and seeded: ViT-B-32 with its tag's QuickGELU, and blip-base, beside the reference's libraries. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Config, Interrogator } from '../../lib';
import { exportBundle } from '../support/bundles';
import { blipCheckpoint } from './checkpoints';
import { expectSameChain, FEATURE_TOLERANCE, largestDifference } from './compare';
import { Reference, type ReferenceMode } from './reference';
import { longPrompts, ODD_TEXTS, vocabularyLines } from './texts';

const VOCABULARY = path.join(__dirname, 'reference', 'vocabulary');
const CLIP = { name: 'ViT-B-32/openai', seed: 5 };
const CAPTION = 'a woman in an orange space suit';

let reference: Reference;
let ours: Interrogator;
let work: string;
let images: string[];

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'parity-'));
  reference = await Reference.start();
  const checkpoint = await blipCheckpoint(reference, 'base', 3);
  const clip = await exportBundle('clip', CLIP.name, ['--untrained', '--seed', String(CLIP.seed), '--vocabulary', VOCABULARY]);
  const caption = await exportBundle('caption', 'blip-base', ['--checkpoint', checkpoint]);
  await reference.call('load', {
    clip: CLIP,
    caption: checkpoint,
    options: { cache_path: path.join(work, 'theirs'), data_path: VOCABULARY },
  });
  ours = await Interrogator.create(
    new Config({
      clipModelName: clip,
      captionModelName: caption,
      cachePath: path.join(work, 'ours'),
      downloadCache: false,
      device: 'cpu',
      quiet: true,
    }),
  );
  const photographs = await reference.call<string>('photographs');
  images = ['astronaut.png', 'coffee.png', 'rocket.jpg'].map((name) => path.join(photographs, name));
}, 900_000);

afterAll(async () => {
  await ours?.dispose();
  await reference?.stop();
  rmSync(work, { recursive: true, force: true });
});

test('ViT-B-32 image features equal open_clip', async () => {
  const theirs = await reference.call<number[][]>('image_features', { paths: images });
  for (const [i, image] of images.entries()) {
    const features = await (await ours.imageToFeatures(image)).toArray();
    expect(largestDifference(features, theirs[i] as number[])).toBeLessThan(FEATURE_TOLERANCE);
  }
}, 600_000);

test('ViT-B-32 text features equal open_clip', async () => {
  const lines = vocabularyLines(await reference.call<string>('vocabulary'), 80);
  const texts = [...lines, ...longPrompts(lines, [10, 20, 40]), ...ODD_TEXTS];
  const theirs = await reference.call<number[][]>('text_features', { texts });
  const rows = await ours.textToFeatures(texts);
  const features = await rows.toArray();
  const differences = theirs.map((row, i) => ({
    text: texts[i],
    difference: largestDifference(features.subarray(i * rows.dim, (i + 1) * rows.dim), row),
  }));
  expect(differences.filter(({ difference }) => !(difference < FEATURE_TOLERANCE))).toEqual([]);
}, 600_000);

test('blip-base captions equal transformers', async () => {
  for (const image of images) {
    expect(await ours.generateCaption(image)).toBe(await reference.call<string>('caption', { path: image }));
  }
}, 900_000);

test('best and negative chain the reference prompt', async () => {
  const image = images[0] as string;
  const best = await reference.call<ReferenceMode>('mode', {
    name: 'best',
    path: image,
    arguments: { caption: CAPTION, min_flavors: 2, max_flavors: 4 },
  });
  const tables = [ours.artists, ours.flavors, ours.mediums, ours.movements, ours.trendings];
  const phrases = tables.flatMap((table) => table.labels);
  const mine = await ours.interrogate(image, { caption: CAPTION, minFlavors: 2, maxFlavors: 4 });
  await expectSameChain(reference, image, mine, best, { start: CAPTION, phrases });

  const negative = await reference.call<ReferenceMode>('mode', { name: 'negative', path: image, arguments: { max_flavors: 3 } });
  const mineNegative = await ours.interrogateNegative(image, { maxFlavors: 3 });
  const negatives = [...ours.flavors.labels, ...ours.negative.labels];
  await expectSameChain(reference, image, mineNegative, negative, { start: '', phrases: negatives });
}, 600_000);
