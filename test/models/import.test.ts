/** Weights of one's own become a model without Python, and what does not fit is told before anything is kept. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Interrogator, importModel, type ModelStatus, modelStatuses } from '../../lib';
import { resolveBundle } from '../../lib/bundles/resolve';
import { BLIP_BASE, publishedRepositories, VIT_B_32 } from '../support/repositories';

const IMAGE = path.join(__dirname, '..', '..', 'models', 'sample', 'images', 'rocket.png');

let work: string;
let weights: string;
let captioner: string;
let saved: NodeJS.ProcessEnv;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'import-'));
  const root = await publishedRepositories([VIT_B_32, BLIP_BASE]);
  weights = path.join(root, VIT_B_32.repository, 'open_clip_model.safetensors');
  captioner = path.join(root, BLIP_BASE.repository);
}, 900_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

beforeEach(() => {
  saved = { ...process.env };
  process.env.TORCH_INTERROGATOR_HOME = mkdtempSync(path.join(work, 'home-'));
});
afterEach(() => {
  process.env = saved;
});

/** A folder with links to files of another, without those that are left out. */
function folderOf(source: string, without: string[] = []): string {
  const folder = mkdtempSync(path.join(work, 'folder-'));
  for (const name of readdirSync(source)) if (!without.includes(name)) symlinkSync(path.join(source, name), path.join(folder, name));
  return folder;
}

/** The same folder with these settings in place of its own, or laid over them. */
function withSettings(source: string, files: Record<string, object>): string {
  const folder = folderOf(
    source,
    Object.keys(files).map((name) => `${name}.json`),
  );
  for (const [name, settings] of Object.entries(files)) {
    const file = path.join(source, `${name}.json`);
    const own = name === 'open_clip_config' ? {} : JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(path.join(folder, `${name}.json`), JSON.stringify({ ...own, ...settings }));
  }
  return folder;
}

async function featuresOf(clipModelName: string): Promise<number[]> {
  const ci = await Interrogator.create({
    clipModelName,
    captionModelName: null,
    device: 'cpu',
    cachePath: null,
    download: false,
    quiet: true,
  });
  try {
    return [...(await (await ci.imageToFeatures(IMAGE)).toArray())];
  } finally {
    await ci.dispose();
  }
}

test('a size of one number and a factor of fewer digits are what an older processor wrote', async () => {
  const folder = withSettings(captioner, { preprocessor_config: { size: 384, rescale_factor: 0.00392156863 } });
  expect(await importModel('caption', 'blip-base', folder, { name: 'older' })).toMatchObject({ name: 'older' });
}, 120_000);

test('a file becomes a model by the name that it is given, which points at the file or has a copy of it', async () => {
  const pointing = await importModel('clip', 'ViT-B-32-quickgelu', weights, { name: 'my-style' });
  expect(pointing).toEqual({
    kind: 'clip',
    name: 'my-style',
    folder: path.join(process.env.TORCH_INTERROGATOR_HOME as string, 'my-style'),
  });
  expect(readdirSync(pointing.folder)).toEqual(['manifest.json']);
  const copied = await importModel('clip', VIT_B_32.name, weights, { out: path.join(work, 'copied'), copy: true });
  expect(readdirSync(copied.folder).sort()).toEqual(['manifest.json', 'open_clip_model.safetensors']);
  expect(copied.name).toBe('ViT-B-32/open_clip_model');
  const features = await featuresOf('my-style');
  expect(await featuresOf(copied.folder)).toEqual(features);
  // The other activation is another model.
  await importModel('clip', 'ViT-B-32', weights, { name: 'plain' });
  expect(await featuresOf('plain')).not.toEqual(features);
}, 300_000);

test("a captioner's folder becomes a model, from shards too, and captions", async () => {
  const { folder } = await importModel('caption', 'blip-base', captioner, { name: 'mine' });
  const { manifest } = await resolveBundle('caption', 'mine', null);
  expect(
    Object.keys(manifest.files)
      .map((file) => path.basename(file))
      .sort(),
  ).toEqual([...[1, 2, 3, 4].map((shard) => `model-0000${shard}-of-00004.safetensors`), 'model.safetensors.index.json']);
  const ci = await Interrogator.create({ clipModelName: 'sample', captionModelName: folder, device: 'cpu', cachePath: null, quiet: true });
  expect(await ci.generateCaption(IMAGE)).toMatch(/\w/);
  await ci.dispose();
}, 300_000);

test('settings beside the weights are respected', async () => {
  const folder = mkdtempSync(path.join(work, 'settings-'));
  symlinkSync(weights, path.join(folder, 'open_clip_model.safetensors'));
  const preprocess_cfg = {
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    resize_mode: 'squash',
    interpolation: 'bilinear',
    fill_color: 7,
  };
  writeFileSync(
    path.join(folder, 'open_clip_config.json'),
    JSON.stringify({ model_cfg: { embed_dim: 512, quick_gelu: true }, preprocess_cfg }),
  );
  await importModel('clip', 'ViT-B-32', folder, { name: 'own' });
  const { manifest } = await resolveBundle('clip', 'own', null);
  expect(manifest).toMatchObject({
    graph: 'ViT-B-32-quickgelu',
    image: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], resizeMode: 'squash', interpolation: 'bilinear', fill: 7, size: [224, 224] },
  });
}, 300_000);

test.each<[string, () => [kind: 'clip' | 'caption', architecture: string, file: string], string, RegExp]>([
  [
    'another architecture',
    () => ['clip', 'ViT-L-14', folderOf(path.dirname(weights), ['open_clip_config.json'])],
    'ERR_WEIGHTS_INVALID',
    /open_clip_model\.safetensors[\s\S]*(visual|transformer|token)/,
  ],
  ['an unknown architecture', () => ['clip', 'ViT-B-23', weights], 'ERR_MODEL_UNKNOWN', /ViT-B-32/],
  ['a captioner as a CLIP model', () => ['clip', 'blip-base', captioner], 'ERR_MODEL_UNKNOWN', /export clip/],
  ['no file', () => ['clip', 'ViT-B-32', path.join(work, 'none')], 'ERR_IO', /There is no file/],
  ['a folder without weights', () => ['caption', 'blip-base', mkdtempSync(path.join(work, 'empty-'))], 'ERR_IO', /holds no weights/],
  [
    'a missing shard',
    () => ['caption', 'blip-base', folderOf(captioner, ['model-00002-of-00004.safetensors'])],
    'ERR_IO',
    /model-00002-of-00004/,
  ],
  ...(
    [
      [{ config: { text_config: { num_attention_heads: 8 } } }, /text_config\.num_attention_heads 8, and blip-base has 12/],
      [{ config: { vision_config: { hidden_act: 'gelu_new' } } }, /vision_config\.hidden_act "gelu_new", and blip-base has "gelu"/],
      [{ config: { text_config: { layer_norm_eps: 1e-5 } } }, /layer_norm_eps/],
      [{ preprocessor_config: { size: { height: 224, width: 224 } } }, /size.* 224, and blip-base has 384/],
      [{ preprocessor_config: { size: 224 } }, /size.* 224, and blip-base has 384/],
      [{ preprocessor_config: { do_rescale: false } }, /do_rescale false/],
      [{ preprocessor_config: { do_normalize: false } }, /do_normalize false/],
      [{ preprocessor_config: { rescale_factor: 1 / 127.5 } }, /rescale_factor 0\.0078/],
    ] as const
  ).map(
    ([files, message]) =>
      [
        `a captioner's ${JSON.stringify(files)}`,
        () => ['caption', 'blip-base', withSettings(captioner, files)],
        'ERR_INVALID_ARGUMENT',
        message,
      ] as [string, () => ['caption', string, string], string, RegExp],
  ),
  ...(
    [
      ['ViT-B-32', { vision_cfg: { head_width: 32 } }, /vision_cfg\.head_width 32, and ViT-B-32 has 64/],
      ['ViT-B-32', { vision_cfg: { no_ln_pre: true } }, /no_ln_pre true/],
      ['ViT-B-32', { text_cfg: { heads: 4 } }, /text_cfg\.heads 4, and ViT-B-32 has 8/],
      ['ViT-B-32', { text_cfg: { hf_tokenizer_name: 'roberta-base' } }, /hf_tokenizer_name/],
      ['ViT-B-32/laion2b_s34b_b79k', { quick_gelu: true }, /quick_gelu true, and ViT-B-32 has false/],
      ['ViT-B-32-quickgelu', { quick_gelu: false }, /quick_gelu false, and ViT-B-32-quickgelu has true/],
    ] as const
  ).map(
    ([architecture, model, message]) =>
      [
        `${architecture} with ${JSON.stringify(model)}`,
        () => ['clip', architecture, withSettings(path.dirname(weights), { open_clip_config: { model_cfg: model } })],
        'ERR_INVALID_ARGUMENT',
        message,
      ] as [string, () => ['clip', string, string], string, RegExp],
  ),
])(
  '%s is refused, and nothing is kept',
  async (_, given, code, message) => {
    await expect(importModel(...given())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(readdirSync(process.env.TORCH_INTERROGATOR_HOME as string)).toEqual([]);
  },
  120_000,
);

test.each([
  ['a fill that is no number', { fill_color: [0, 0, 0] }],
  ['an interpolation that there is not', { interpolation: 'random' }],
  ['a mean of two numbers', { mean: [0.5, 0.5] }],
])(
  'settings with %s are refused, and the bundle that was there stays',
  async (_, preprocess_cfg) => {
    const { folder } = await importModel('clip', 'ViT-B-32', folderOf(path.dirname(weights), ['open_clip_config.json']), { name: 'kept' });
    const before = readFileSync(path.join(folder, 'manifest.json'), 'utf8');
    const wrong = folderOf(path.dirname(weights), ['open_clip_config.json']);
    writeFileSync(path.join(wrong, 'open_clip_config.json'), JSON.stringify({ preprocess_cfg }));
    await expect(importModel('clip', 'ViT-B-32', wrong, { name: 'kept', force: true })).rejects.toMatchObject({
      code: 'ERR_BUNDLE_INVALID',
    });
    expect(readFileSync(path.join(folder, 'manifest.json'), 'utf8')).toBe(before);
    expect(readdirSync(path.dirname(folder))).toEqual(['kept']);
  },
  120_000,
);

test('an abort while weights are copied leaves nothing, and progress is told in bytes', async () => {
  const controller = new AbortController();
  const out = path.join(work, 'aborted');
  const seen: number[] = [];
  const copying = importModel('clip', 'ViT-B-32', weights, {
    ...{ out, copy: true, signal: controller.signal },
    onProgress: ({ stage, done, total }) => {
      expect({ stage, total }).toEqual({ stage: 'copy', total: 605_143_284 });
      seen.push(done);
      if (done > 50e6) controller.abort();
    },
  });
  await expect(copying).rejects.toMatchObject({ name: 'AbortError' });
  expect(Math.max(...seen)).toBeLessThan(500e6);
  expect(readdirSync(work).filter((name) => name.includes('aborted'))).toEqual([]);
}, 120_000);

test('the list names what runs: the bundle that a name means, and whether its file is still there', async () => {
  const status = async (name: string) => (await modelStatuses()).filter((model) => model.name === name);
  const file = path.join(mkdtempSync(path.join(work, 'moving-')), 'model.safetensors');
  symlinkSync(weights, file);
  const { folder } = await importModel('clip', 'ViT-B-32', file, { name: 'mine' });
  const [{ parameters, memory, ...facts }] = (await status('mine')) as [ModelStatus];
  expect(facts).toEqual({
    ...{ kind: 'clip', name: 'mine', installed: folder, runnable: true },
    ...{ tower: { image: 'vit', text: 'causal' }, graph: 'ViT-B-32', embedDim: 512, imageSize: [224, 224] },
  });
  const published = (await status('ViT-B-32/laion2b_s34b_b79k')) as [Required<ModelStatus>];
  // The scale of logits is a parameter that no graph reads.
  expect(parameters).toBe(published[0].parameters - 1);
  expect(memory).toBeCloseTo(published[0].memory as number, -1);
  rmSync(file);
  expect(await status('mine')).toMatchObject([{ installed: folder, runnable: false }]);
  // A bundle of the home goes before the package's of the same name.
  const own = path.join(process.env.TORCH_INTERROGATOR_HOME as string, 'sample');
  cpSync(path.join(__dirname, '..', '..', 'models', 'sample', 'clip'), own, { recursive: true });
  expect((await resolveBundle('clip', 'sample', null)).folder).toBe(own);
  expect((await status('sample')).find(({ kind }) => kind === 'clip')).toMatchObject({ installed: own });
}, 120_000);

test('a name that means something else keeps its meaning', async () => {
  for (const name of ['ViT-B-32/openai', 'sample', 'blip-base']) {
    await expect(importModel('clip', 'ViT-B-32', weights, { name })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  }
  const { folder } = await importModel('clip', 'ViT-B-32', weights, { name: 'taken' });
  const other = importModel('caption', 'blip-base', captioner, { name: 'taken' });
  await expect(other).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', hint: expect.stringContaining('--force') });
  expect(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'))).toMatchObject({ kind: 'clip' });
  await importModel('clip', 'ViT-B-32', weights, { name: 'taken' });
  await importModel('caption', 'blip-base', captioner, { name: 'taken', force: true });
  await expect(importModel('foo' as 'clip', 'ViT-B-32', weights)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
}, 300_000);

test.each(['../evil', './q', '/abs', '~/x', 'a/../b', 'none', 'a\nb', ' a', '', '-x', 'x'.repeat(300)])(
  '%j cannot be a name',
  async (name) => {
    await expect(importModel('clip', 'ViT-B-32', weights, { name })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(readdirSync(process.env.TORCH_INTERROGATOR_HOME as string)).toEqual([]);
  },
);

test('a name is another architecture, or another name of the same folder, with force alone', async () => {
  await importModel('clip', 'ViT-B-32', weights, { name: 'mine/x' });
  for (const [architecture, name] of [
    ['ViT-B-32-quickgelu', 'mine/x'],
    ['ViT-B-32', 'mine_x'],
  ] as const) {
    const other = importModel('clip', architecture, weights, { name });
    await expect(other).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', hint: expect.stringContaining('--force') });
  }
  await importModel('clip', 'ViT-B-32-quickgelu', weights, { name: 'mine/x', force: true });
}, 300_000);

test("what the core has against a file is this package's error", async () => {
  const file = path.join(work, 'page.safetensors');
  writeFileSync(file, '<!doctype html><title>Sign in</title>');
  await expect(importModel('clip', 'ViT-B-32', file)).rejects.toMatchObject({ name: 'InterrogatorError', code: 'ERR_WEIGHTS_INVALID' });
});

test('a folder that is no bundle is never replaced', async () => {
  const out = path.join(work, 'precious');
  mkdirSync(out);
  copyFileSync(IMAGE, path.join(out, 'photograph.png'));
  await expect(importModel('clip', 'ViT-B-32', weights, { out })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  expect(existsSync(path.join(out, 'photograph.png'))).toBe(true);
}, 120_000);

test('weights that were changed afterwards are not run', async () => {
  const folder = mkdtempSync(path.join(work, 'changing-'));
  const file = path.join(folder, 'model.safetensors');
  copyFileSync(weights, file);
  await importModel('clip', 'ViT-B-32', file, { name: 'changing' });
  const { open } = await import('node:fs/promises');
  const handle = await open(file, 'r+');
  await handle.write(Buffer.from([0x55, 0x66]), 0, 2, 300_000_000);
  await handle.close();
  await expect(featuresOf('changing')).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED', message: expect.stringContaining(file) });
}, 300_000);
