/** Names with an empty tag: random weights, and a warning that says so. */
import { architectures, Interrogator, LabelTable, modelStatuses, type RankedLabel } from '../../lib';
import type { Bundle, ClipManifest } from '../../lib/bundles/bundle';
import { untrainedBundle } from '../../lib/bundles/untrained';
import { testImage } from '../support/images';

const settings = { captionModelName: null, device: 'cpu', cachePath: null, download: false, quiet: true } as const;

async function featuresOf(clipModelName: string): Promise<number[]> {
  await using ci = await Interrogator.create({ ...settings, clipModelName });
  return [...(await (await ci.imageToFeatures(testImage(1))).toArray())];
}

let warnings: { code: string; message: string }[];
beforeEach(() => {
  warnings = [];
  jest.spyOn(process, 'emitWarning').mockImplementation(((message: string, { code }: { code: string }) => {
    warnings.push({ code, message });
  }) as typeof process.emitWarning);
});
afterEach(() => jest.restoreAllMocks());

test('such a name runs, as the same model each time, and white space around it is forgiven', async () => {
  const features = await featuresOf('ViT-S-32/');
  expect(features.every(Number.isFinite)).toBe(true);
  expect(Math.hypot(...features)).toBeCloseTo(1, 4);
  expect(await featuresOf(' ViT-S-32/\n')).toEqual(features);
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatchObject({ code: 'UNTRAINED_WEIGHTS', message: expect.stringMatching(/random.*Nobody has published/) });
}, 120_000);

test('the warning names the tags that have weights', async () => {
  await featuresOf('RN50/');
  expect(warnings[0]?.message).toMatch(/RN50\/openai/);
}, 120_000);

test('probabilities are made as open_clip begins: a softmax, or of SigLIP a sigmoid', async () => {
  const logitsOf = async (name: string) => ((await untrainedBundle(name)) as Bundle<ClipManifest>).manifest.logits;
  expect(await logitsOf('RN50/')).toEqual({ scale: expect.closeTo(1 / 0.07, 5) });
  expect(await logitsOf('ViT-B-16-SigLIP2/')).toEqual({ scale: expect.closeTo(1 / 0.07, 5), bias: -10 });
  await using ci = await Interrogator.create({ ...settings, clipModelName: 'ViT-S-32/' });
  const table = await LabelTable.create(['cat', 'dog', 'boat'], null, ci);
  const ranked = await table.rankScored(await ci.imageToFeatures(testImage(1)), { topCount: 3, scores: 'probability' });
  expect(ranked.reduce((sum, { probability }) => sum + (probability as number), 0)).toBeCloseTo(1, 5);
  const [first, second] = ranked as [RankedLabel, RankedLabel];
  expect(Math.log((first.probability as number) / (second.probability as number))).toBeCloseTo(
    (first.similarity - second.similarity) / 0.07,
    4,
  );
}, 120_000);

test('a name without a slash is no model, and says which are', async () => {
  await expect(featuresOf('RN50')).rejects.toMatchObject({ code: 'ERR_MODEL_UNKNOWN', hint: expect.stringContaining('RN50/openai') });
});

test('those that nobody has published weights of are in the list', async () => {
  const names = new Set((await modelStatuses()).map(({ name }) => name));
  for (const { name, tags } of architectures()) expect([name, names.has(`${name}/`)]).toEqual([name, tags.length === 0]);
});
