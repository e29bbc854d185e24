/**
 * Small seeded models with every kind of text tower but CLIP's own, beside clip-interrogator 0.6.0 itself: features and every mode.
 * tiny.parity.test.ts has CLIP's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Config, type ConfigInput, Interrogator } from '../../lib';
import { exportBundle } from '../support/bundles';
import { captionerCheckpoint } from './checkpoints';
import { expectSameRanking, FEATURE_TOLERANCE, largestDifference } from './compare';
import { expectSameBest, expectSameFastAndClassic, expectSameNegative } from './modes';
import { Reference } from './reference';
import { longPrompts, ODD_TEXTS, vocabularyLines } from './texts';
import { type TowerName, towerModel, towersFolder, writeThinVocabulary } from './towers';

const CAPTION = 'a photograph of something real';
const LONG_CAPTION = `${CAPTION} that stands in the middle of a rather large room `.repeat(3).trim();
/** Below the number of flavors, so that they are ranked in chunks. */
const MODE_OPTIONS = { flavorIntermediateCount: 96, chunkSize: 128 };
const MIN_FLAVORS = 8;
/** In tokens: short, so that there is room for terms behind it. */
const CAPTION_LENGTH = 6;

let reference: Reference;
let towers: string;
let work: string;
let image: string;
let others: string[];
let lines: string[];

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'parity-'));
  towers = await towersFolder();
  reference = await Reference.start({ cwd: towers });
  const photographs = await reference.call<string>('photographs');
  [image = '', ...others] = ['coffee.png', 'chelsea.png', 'rocket.jpg'].map((name) => path.join(photographs, name));
  const vocabulary = await reference.call<string>('vocabulary');
  lines = vocabularyLines(vocabulary, 200);
  writeThinVocabulary(vocabulary, work);
}, 900_000);

afterAll(async () => {
  await reference?.stop();
  rmSync(work, { recursive: true, force: true });
});

function load(clipModelName: string, more: ConfigInput = {}): Promise<Interrogator> {
  return Interrogator.create(
    new Config({
      ...{ clipModelName, captionModelName: null, dataPath: work, cachePath: null, downloadCache: false },
      ...{ device: 'cpu', quiet: true, ...MODE_OPTIONS, ...more },
    }),
  );
}

const referenceOptions = () => ({
  ...{ cache_path: null, data_path: work },
  ...{ flavor_intermediate_count: MODE_OPTIONS.flavorIntermediateCount, chunk_size: MODE_OPTIONS.chunkSize },
});

/** With these weights on both sides. */
const SEED = 7;

function exportTower(tower: TowerName): Promise<string> {
  const { name, config } = towerModel(tower, SEED);
  const args = ['--untrained', '--seed', String(SEED), '--config', config, '--vocabulary', 'none'];
  return exportBundle('clip', name, args, { cwd: towers });
}

/** `steps`: how far the reference's chain goes. A full context ends it, which it takes to be full always or never for some towers. */
const TOWERS: { tower: TowerName; steps: 'until the context is full' | 'for one step' | 'to its end'; caption?: string }[] = [
  { tower: 'roberta', steps: 'for one step' },
  { tower: 'mt5', steps: 'until the context is full' },
  { tower: 'coca', steps: 'until the context is full', caption: LONG_CAPTION },
  { tower: 'clipa', steps: 'to its end' },
  { tower: 'siglip', steps: 'for one step' },
  { tower: 'siglip2', steps: 'until the context is full' },
];

describe.each(TOWERS)('$tower', ({ tower, steps, caption = CAPTION }) => {
  let folder: string;
  let ours: Interrogator;

  beforeAll(async () => {
    folder = await exportTower(tower);
    await reference.call('load', { clip: towerModel(tower, SEED), caption: null, options: referenceOptions() });
    ours = await load(folder);
  }, 900_000);

  afterAll(async () => ours?.dispose());

  test('features of images and of texts, overlong and odd ones too, equal the reference', async () => {
    const images = [image, ...others];
    const theirImages = await reference.call<number[][]>('image_features', { paths: images });
    for (const [i, each] of images.entries()) {
      const features = await (await ours.imageToFeatures(each)).toArray();
      expect(largestDifference(features, theirImages[i] as number[])).toBeLessThan(FEATURE_TOLERANCE);
    }
    const texts = [...lines, ...longPrompts(lines, [2, 5, 10, 15, 30, 60, 120]), ...ODD_TEXTS];
    const theirs = await reference.call<number[][]>('text_features', { texts });
    const rows = await ours.textToFeatures(texts);
    const features = await rows.toArray();
    expect(rows.rows).toBe(theirs.length);
    const differences = theirs.map((row, i) => ({
      text: texts[i],
      difference: largestDifference(features.subarray(i * rows.dim, (i + 1) * rows.dim), row),
    }));
    expect(differences.filter(({ difference }) => !(difference < FEATURE_TOLERANCE))).toEqual([]);
  }, 600_000);

  test('tables rank as the reference does, both ways', async () => {
    const features = await ours.imageToFeatures(image);
    for (const name of ['artists', 'flavors', 'mediums', 'movements', 'trendings', 'negative'] as const) {
      for (const reverse of [false, true]) {
        const theirs = await reference.call<string[]>('rank_table', { path: image, table: name, top: 20, reverse });
        await expectSameRanking(reference, image, await ours[name].rank(features, { topCount: 20, reverse }), theirs);
      }
    }
  }, 600_000);

  test('fast, classic and negative write the reference prompt', async () => {
    await expectSameFastAndClassic({ reference, ours }, { image, caption });
    await expectSameNegative({ reference, ours }, image);
  }, 600_000);

  test(`best writes the reference prompt, of a chain that goes on ${steps}`, async () => {
    const theirs = await expectSameBest({ reference, ours }, { image, caption }, { min: MIN_FLAVORS, max: MIN_FLAVORS });
    const taken = theirs.steps.length;
    if (steps === 'until the context is full') expect(taken > 1 && taken < MIN_FLAVORS).toBe(true);
    else expect(taken).toBe(steps === 'for one step' ? 1 : MIN_FLAVORS);
  }, 600_000);

  test('corrected, best, fast and classic write what the reference does where it counts tokens', async () => {
    const mended = await load(folder, { compat: 'corrected' });
    const sides = { reference, ours: mended, corrected: true };
    const prompts = await expectSameFastAndClassic(sides, { image, caption });
    // Both have terms behind the caption.
    for (const prompt of prompts) expect(prompt.length).toBeGreaterThan(caption.length);
    const theirs = await expectSameBest(sides, { image, caption }, { min: MIN_FLAVORS, max: MIN_FLAVORS });
    expect(theirs.steps.length > 1 && theirs.steps.length < MIN_FLAVORS).toBe(true);
    await mended.dispose();
  }, 600_000);
});

test('a SigLIP 2 with a GIT, which makes the captions, writes the reference prompts in every mode', async () => {
  const checkpoint = await captionerCheckpoint(reference, 'git', 3);
  const captionModelName = await exportBundle('caption', 'tiny-git', ['--checkpoint', checkpoint]);
  const options = { ...referenceOptions(), caption_max_length: CAPTION_LENGTH };
  await reference.call('load_captioner', { clip: towerModel('siglip2', SEED), folder: checkpoint, options });
  const ours = await load(await exportTower('siglip2'), { captionModelName, captionMaxLength: CAPTION_LENGTH });
  const captions = new Set<string>();
  for (const each of [image, ...others]) {
    const caption = await reference.call<string>('caption', { path: each });
    expect(await ours.generateCaption(each)).toBe(caption);
    await expectSameFastAndClassic({ reference, ours }, { image: each, caption, captioned: true });
    await expectSameNegative({ reference, ours }, each);
    await expectSameBest({ reference, ours }, { image: each, caption, captioned: true }, { min: 2, max: MIN_FLAVORS });
    captions.add(caption);
  }
  // Were the captions all the same, equal ones would say little.
  expect(captions.size).toBeGreaterThan(1);
  await ours.dispose();
}, 900_000);
