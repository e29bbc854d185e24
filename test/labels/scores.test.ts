/** Probabilities of labels, and labels in a template. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Interrogator, LabelTable, type RankedLabel } from '../../lib';
import { tinyClip } from '../support/bundles';
import { testImage } from '../support/images';

const LABELS = ['cat', 'dog', 'red hat', 'old tower', 'boat at sea'];
/** open_clip's first scale, which models of a seed have. */
const SCALE = 1 / 0.07;

let work: string;
beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'scores-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The tiny model, with other fields in its manifest. */
async function variant(name: string, change: (manifest: Record<string, unknown>) => void): Promise<string> {
  const folder = path.join(work, name);
  cpSync(await tinyClip(), folder, { recursive: true });
  const file = path.join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
  return folder;
}

async function scored(clipModelName: string, topCount: number) {
  await using ci = await Interrogator.create({ clipModelName, captionModelName: null, device: 'cpu', cachePath: null, quiet: true });
  const features = await ci.imageToFeatures(testImage(1));
  const table = await LabelTable.create(LABELS, null, ci);
  return await table.rankScored(features, { topCount, scores: 'probability' });
}

test('probabilities are the softmax over all labels, however many are asked for', async () => {
  const ranked = await scored(await tinyClip(), LABELS.length);
  const powers = ranked.map(({ similarity }) => Math.exp(SCALE * similarity));
  const sum = powers.reduce((so, power) => so + power, 0);
  for (const [i, { probability }] of ranked.entries()) expect(probability).toBeCloseTo((powers[i] as number) / sum, 5);
  const [first] = await scored(await tinyClip(), 1);
  expect(first?.probability).toBeCloseTo(ranked[0]?.probability as number, 6);
}, 300_000);

test('a model with a bias gives each label a probability of its own', async () => {
  const folder = await variant('sigmoid', (manifest) => {
    manifest.logits = { scale: 100, bias: -10 };
  });
  for (const { similarity, probability } of await scored(folder, 3)) {
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(10 - 100 * similarity)), 5);
  }
}, 300_000);

test('weights that do not say how they scale give no probabilities', async () => {
  const folder = await variant('silent', (manifest) => delete manifest.logits);
  await expect(scored(folder, 1)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('logit_scale') });
}, 300_000);

test('a template is what is encoded, and labels stay themselves', async () => {
  await using ci = await Interrogator.create({
    clipModelName: await tinyClip(),
    captionModelName: null,
    device: 'cpu',
    cachePath: null,
    quiet: true,
  });
  const features = await ci.imageToFeatures(testImage(1));
  const plain = await LabelTable.create(
    LABELS.map((label) => `a photo of ${label}, ${label}`),
    null,
    ci,
  );
  const table = await LabelTable.create(LABELS, null, ci, { template: 'a photo of {}, {}' });
  const expected = await plain.rankScored(features, { topCount: 5 });
  expect(await table.rankScored(features, { topCount: 5 })).toEqual(
    expected.map(({ label, similarity }) => ({ label: label.replace(/^a photo of (.*), \1$/, '$1'), similarity })),
  );
  await expect(LabelTable.create(LABELS, null, ci, { template: 'a photo' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
}, 300_000);

test('the sample pair has probabilities, which its text tower was trained with', async () => {
  const ranked = await scored('sample', LABELS.length);
  expect(ranked.reduce((sum, { probability }) => sum + (probability as number), 0)).toBeCloseTo(1, 5);
  const [first, second] = ranked as [RankedLabel, RankedLabel];
  expect(Math.log((first.probability as number) / (second.probability as number))).toBeCloseTo(
    30 * (first.similarity - second.similarity),
    3,
  );
}, 300_000);
