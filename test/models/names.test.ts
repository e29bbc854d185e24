/** Names as people write them: with white space, another case, a tag that is not there. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { type ConfigInput, Interrogator, importModel, pullModel } from '../../lib';
import { locateModel } from '../../lib/bundles/resolve';
import { runCommand, runHere } from '../cli/command';
import { listing, makePlace, type Place } from '../hub/place';
import { shapesOf, writeEmptyWeights } from '../support/empty-weights';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  process.env.TORCH_INTERROGATOR_HOME = path.join(place.folder, 'home');
  mkdirSync(process.env.TORCH_INTERROGATOR_HOME);
});
afterEach(async () => {
  // Nothing is fetched, or begun, for a name.
  expect(listing(place.cache)).toEqual([]);
  await place.leave();
});

const create = (config: ConfigInput): Promise<Interrogator> =>
  Interrogator.create({ captionModelName: null, device: 'cpu', cachePath: null, download: false, quiet: true, ...config });

const SPELLINGS = [
  'ViT-L-14 / openai',
  ' ViT-L-14/openai\n',
  '\tViT-L-14/\topenai',
  'ViT-L-14\u00a0/openai\u200b',
  '\ufeffViT-L-14/openai\u3000',
];

test.each(SPELLINGS)('%j is ViT-L-14/openai to every function and command', async (name) => {
  await expect(create({ clipModelName: name })).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_NOT_FOUND',
    message: expect.stringContaining('The weights of ViT-L-14/openai are not in'),
  });
  process.env.HF_HUB_OFFLINE = '1';
  await expect(pullModel(name)).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_NOT_FOUND',
    hint: expect.stringContaining('npx torch-interrogator pull ViT-L-14/openai\n'),
  });
  const pulled = await runHere(['pull', name]);
  expect({ ...pulled, stderr: '' }).toEqual({ code: 1, stdout: '', stderr: '' });
  expect(pulled.stderr).toContain('The weights of ViT-L-14/openai');
  const { code, stderr } = await runHere(['features', '--clip', name, '--text', 'a', '--no-download']);
  expect(code).toBe(1);
  expect(stderr).toContain('The weights of ViT-L-14/openai');
});

test.each(['blip-\u00a0large', ' blip-large ', 'blip\t-large'])('%j is blip-large', async (captionModelName) => {
  await expect(create({ clipModelName: ' sample\n', captionModelName })).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_NOT_FOUND',
    message: expect.stringContaining('The weights of blip-large'),
  });
});

test("white space is forgiven in names of one's own too, where it is not a part of them", async () => {
  const file = path.join(place.folder, 'weights.safetensors');
  writeEmptyWeights(file, await shapesOf('ViT-S-32'));
  await importModel('clip', ' ViT-S-32 /', file, { name: 'ViT-S-32/mine' });
  await importModel('clip', 'ViT-S-32', file, { name: 'my own style' });
  for (const [given, name] of [
    ['ViT-S-32 / mine\n', 'ViT-S-32/mine'],
    [' my own style', 'my own style'],
  ] as const) {
    const located = await locateModel('clip', given, null);
    expect('bundle' in located && located.bundle.manifest.name).toBe(name);
    expect(await pullModel(given)).toMatchObject({ name, file });
  }
  await expect(pullModel('myownstyle')).rejects.toMatchObject({ code: 'ERR_MODEL_UNKNOWN' });
}, 60_000);

test.each([
  ['vit-l-14/OpenAI', 'ViT-L-14/openai'],
  ['ViT-L-14/open ai2', 'ViT-L-14/openai'],
  ['ViT-L-14@openai', 'ViT-L-14/openai'],
  ['ViT-L-14', 'ViT-L-14/openai'],
  ['RN50/yfcc', 'RN50/yfcc15m'],
  ['MobileCLIP-S2/datacomp', 'MobileCLIP-S2/datacompdr'],
  ['VIT-B-16-SIGLIP/webli', 'ViT-B-16-SigLIP/webli'],
  ['BLIP-Large', 'blip-large'],
  ['git-large', 'git-large-coco'],
  ['blip2-2,7b', 'blip2-2.7b'],
])('%s suggests %s', async (given, meant) => {
  const suggests = { code: 'ERR_MODEL_UNKNOWN', hint: expect.stringContaining(`npx torch-interrogator pull ${meant}\n`) };
  await expect(pullModel(given)).rejects.toMatchObject(suggests);
  const isCaptioner = /blip|git/i.test(given);
  await expect(create(isCaptioner ? { clipModelName: 'sample', captionModelName: given } : { clipModelName: given })).rejects.toMatchObject(
    suggests,
  );
  const option = isCaptioner ? ['--clip', 'sample', '--caption', given] : ['--clip', given, '--caption', 'none', '--mode', 'negative'];
  for (const args of [
    ['pull', given],
    ['interrogate', 'x.png', ...option],
  ]) {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`pull ${meant}\n`);
  }
});

test.each([
  ['clip', 'vit-b-32', 'ViT-B-32'],
  ['clip', 'MobilCLIP-S2', 'MobileCLIP-S2'],
  ['caption', 'blip-bsae', 'blip-base'],
  ['caption', 'blip2', 'blip2-2.7b'],
] as const)('import %s %s suggests %s', async (kind, given, meant) => {
  const file = path.join(place.folder, 'weights.safetensors');
  writeEmptyWeights(file, { a: [1] });
  await expect(importModel(kind, given, file)).rejects.toMatchObject({
    code: 'ERR_MODEL_UNKNOWN',
    hint: expect.stringMatching(new RegExp(`^Nearest names: ${meant}[,.]`)),
  });
  const out = path.join(place.folder, 'out');
  const { code, stderr } = await runHere(['import', kind, given, '--weights', file, '--out', out]);
  expect(code).toBe(2);
  expect(stderr).toContain(`Nearest names: ${meant}`);
  expect(existsSync(out)).toBe(false);
});

describe('a name without a tag', () => {
  test.each(['ViT-S-32', 'coca_base', 'ViT-S-32/laion2b'])('of an architecture without published weights, %s, says so', async (name) => {
    const [architecture] = name.split('/');
    const expected = {
      code: 'ERR_MODEL_UNKNOWN',
      hint: expect.stringMatching(
        `^Nobody has published trained weights of ${architecture}\\.\n${architecture}/ runs it with random weights`,
      ),
    };
    await expect(create({ clipModelName: name })).rejects.toMatchObject(expected);
    await expect(pullModel(name)).rejects.toMatchObject(expected);
  });

  test.each([
    ['RN50/', /^Names with trained weights: RN50\/openai, RN50\/yfcc15m, RN50\/cc12m\.$/],
    [' coca_base /', /^Nobody has published trained weights of coca_base\.$/],
  ])('%s has nothing to fetch', async (name, hint) => {
    await expect(pullModel(name)).rejects.toMatchObject({
      code: 'ERR_MODEL_UNKNOWN',
      message: expect.stringContaining('names no weights, so that there is nothing to fetch'),
      hint: expect.stringMatching(hint),
    });
  });

  test.each([
    ['ViT-S-32/', 'Nobody has published trained weights of ViT-S-32.'],
    ['RN50 /', 'Names with trained weights: RN50/openai, RN50/yfcc15m, RN50/cc12m.'],
    ['coca_base/', 'Nobody has published trained weights of coca_base.'],
  ])(
    '%s runs on the command line, with one plain line of warning',
    async (name, instead) => {
      const { code, stdout, stderr } = await runCommand([
        'features',
        '--clip',
        name,
        '--text',
        'a cat',
        '--device',
        'cpu',
        '--json',
        '--quiet',
      ]);
      expect(stderr).toBe(
        `warning: ${name.replace(' ', '')} names no weights, so that the model is random and its answers say nothing of an image. ${instead} (UNTRAINED_WEIGHTS)\n`,
      );
      expect({ code, features: JSON.parse(stdout).features.every(Number.isFinite) }).toEqual({ code: 0, features: true });
    },
    120_000,
  );
});

test.each([
  ['ViT-S-23/', 'ViT-S-32/'],
  ['vit-s-32/', 'ViT-S-32/'],
  ['coca_bse/', 'coca_base/'],
  ['ViT-B-32/opnai', 'ViT-B-32/openai'],
])('for %s the nearest is %s', async (wrong, right) => {
  await expect(create({ clipModelName: wrong })).rejects.toMatchObject({ code: 'ERR_MODEL_UNKNOWN', hint: expect.stringContaining(right) });
});

test.each(['RN50/', 'RN50/openai', 'coca_base/'])('an imported model cannot be called %s', async (name) => {
  const file = path.join(place.folder, 'weights.safetensors');
  writeEmptyWeights(file, await shapesOf('RN50'));
  await expect(importModel('clip', 'RN50', file, { name })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});
