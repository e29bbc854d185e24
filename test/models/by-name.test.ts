/** Models by their names, with weights from a stand-in for the hub: fetched, found in Python's cache, and answers equal to the reference's. */
import { copyFileSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { Interrogator, modelStatuses, pullModel } from '../../lib';
import { FEATURE_TOLERANCE, largestDifference } from '../parity/compare';
import { StandInHub } from '../support/hub';
import { REPOSITORY, runPython } from '../support/python';
import { BLIP_BASE, type Published, publishedRepositories, RN50, VIT_B_32 } from '../support/repositories';

const VOCABULARY = path.join(__dirname, '..', 'parity', 'reference', 'vocabulary');
/** As LAION keeps some of its models: an older form of file. */
const AS_CHECKPOINT: Published = {
  name: 'ViT-B-32/laion2b_s34b_b79k',
  repository: 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K',
  seed: 6,
  form: 'bin',
};

const image = path.join(REPOSITORY, 'models', 'sample', 'images', 'rocket.png');

let work: string;
let hub: StandInHub;
let saved: NodeJS.ProcessEnv;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'by-name-'));
  hub = await StandInHub.start(await publishedRepositories([VIT_B_32, AS_CHECKPOINT, RN50, BLIP_BASE]));
}, 900_000);

afterAll(async () => {
  await hub.stop();
  rmSync(work, { recursive: true, force: true });
});

beforeEach(() => {
  saved = { ...process.env };
  for (const name of Object.keys(process.env)) if (/^(HF_|TORCH_INTERROGATOR_HOME)/.test(name)) delete process.env[name];
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: mkdtempSync(path.join(work, 'cache-')) });
});

afterEach(() => {
  process.env = saved;
  jest.restoreAllMocks();
});

const settings = { device: 'cpu', cachePath: null, dataPath: VOCABULARY, quiet: true } as const;

async function answers(clipModelName: string, captionModelName: string | null) {
  const ci = await Interrogator.create({ ...settings, clipModelName, captionModelName });
  try {
    const features = await (await ci.imageToFeatures(image)).toArray();
    return { features: [...features], caption: captionModelName && (await ci.generateCaption(image)) };
  } finally {
    await ci.dispose();
  }
}

interface Answers {
  features: number[];
  caption: string | null;
}

/** What the reference's own libraries say, which find the weights in the same cache. */
async function reference(...names: string[]): Promise<Answers> {
  return JSON.parse(await runPython([path.join(__dirname, 'by_name.py'), image, ...names]));
}

test('the first use fetches weights, with bytes told; later ones and Python find them with no request, and the answers are equal', async () => {
  const stages = new Map<string, number[]>();
  const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }): void => {
    stages.set(stage, [done, total]);
  };
  const first = await Interrogator.create({ ...settings, clipModelName: VIT_B_32.name, captionModelName: BLIP_BASE.name }, { onProgress });
  await first.dispose();
  expect(stages.get(`download ${VIT_B_32.name}`)).toEqual([605_143_284, 605_143_284]);
  const [done, total] = stages.get(`download ${BLIP_BASE.name}`) as [number, number];
  expect(done).toBe(total);
  expect(total).toBeGreaterThan(890e6);

  const requests = hub.requests.length;
  process.env.HF_HUB_OFFLINE = '1';
  const ours = await answers(VIT_B_32.name, BLIP_BASE.name);
  const theirs = await reference(VIT_B_32.name, BLIP_BASE.name);
  expect(largestDifference(ours.features, theirs.features)).toBeLessThan(FEATURE_TOLERANCE);
  expect(ours.caption).toBe(theirs.caption);
  expect(hub.requests).toHaveLength(requests);
}, 900_000);

test('what huggingface_hub fetched is used with no request, also a checkpoint that is a pickle', async () => {
  const download = `import huggingface_hub; print(huggingface_hub.snapshot_download(${JSON.stringify(AS_CHECKPOINT.repository)}))`;
  await runPython(['-c', download]);
  const requests = hub.requests.length;
  process.env.HF_HUB_OFFLINE = '1';
  const { features } = await answers(AS_CHECKPOINT.name, null);
  const pulled = await pullModel(AS_CHECKPOINT.name);
  expect(path.basename(pulled.file)).toBe('open_clip_pytorch_model.bin');
  expect(hub.requests).toHaveLength(requests);

  const theirs = await reference(AS_CHECKPOINT.name);
  expect(largestDifference(features, theirs.features)).toBeLessThan(FEATURE_TOLERANCE);
}, 900_000);

test('a ResNet by its name', async () => {
  const { features } = await answers(RN50.name, null);
  process.env.HF_HUB_OFFLINE = '1';
  const theirs = await reference(RN50.name);
  expect(largestDifference(features, theirs.features)).toBeLessThan(FEATURE_TOLERANCE);
}, 900_000);

test.each([
  ['download: false', { download: false }, {}, 'download is false'],
  ['HF_HUB_OFFLINE', {}, { HF_HUB_OFFLINE: '1' }, 'HF_HUB_OFFLINE is set'],
])('with %s nothing is asked, and the error names the command and what is there', async (_, config, env, why) => {
  const requests = hub.requests.length;
  Object.assign(process.env, env);
  const named = { ...settings, ...config, clipModelName: VIT_B_32.name, captionModelName: BLIP_BASE.name };
  await expect(Interrogator.create(named)).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_NOT_FOUND',
    message: expect.stringContaining(why),
    hint: expect.stringMatching(/npx torch-interrogator pull ViT-B-32\/openai blip-base\n[\s\S]*--clip sample --caption sample/),
  });
  expect(hub.requests).toHaveLength(requests);
});

test('a weights file of which a byte changed after it was fetched is refused before anything runs', async () => {
  const { file } = await pullModel(VIT_B_32.name);
  const { open } = await import('node:fs/promises');
  const handle = await open(file, 'r+');
  await handle.write(Buffer.from([0x55]), 0, 1, 400_000_001);
  await handle.close();
  const failed = Interrogator.create({ ...settings, clipModelName: VIT_B_32.name, captionModelName: null });
  await expect(failed).rejects.toMatchObject({
    code: 'ERR_BUNDLE_DAMAGED',
    message: expect.stringContaining('open_clip_model'),
    hint: expect.stringContaining(`npx torch-interrogator pull ${VIT_B_32.name}`),
  });
  // The command that the hint names mends it; when all is sound it asks for nothing.
  const repaired = await pullModel(VIT_B_32.name);
  await (await Interrogator.create({ ...settings, clipModelName: VIT_B_32.name, captionModelName: null })).dispose();
  const requests = hub.requests.length;
  expect(await pullModel(VIT_B_32.name)).toEqual(repaired);
  expect(hub.requests).toHaveLength(requests);
}, 300_000);

test('a damaged file stays while nothing can be fetched, and goes when it can', async () => {
  const { file } = await pullModel(VIT_B_32.name);
  const { truncate } = await import('node:fs/promises');
  await truncate(file, 300_000_000);
  process.env.HF_HUB_OFFLINE = '1';
  await expect(pullModel(VIT_B_32.name)).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED', message: expect.stringContaining(file) });
  const named = { ...settings, clipModelName: VIT_B_32.name, captionModelName: null };
  await expect(Interrogator.create(named)).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED' });
  delete process.env.HF_HUB_OFFLINE;
  process.env.HF_ENDPOINT = 'http://127.0.0.1:1';
  await expect(pullModel(VIT_B_32.name)).rejects.toMatchObject({ code: 'ERR_NETWORK' });
  expect(existsSync(file)).toBe(true);
  process.env.HF_ENDPOINT = hub.endpoint;
  expect((await pullModel(VIT_B_32.name)).bytes).toBe(605_143_284);
}, 300_000);

test('a copy of the cache without links is checked as well', async () => {
  await pullModel(RN50.name);
  const copy = mkdtempSync(path.join(work, 'copy-'));
  cpSync(process.env.HF_HUB_CACHE as string, copy, { recursive: true, dereference: true });
  Object.assign(process.env, { HF_HUB_CACHE: copy, HF_HUB_OFFLINE: '1' });
  const { file } = await pullModel(RN50.name);
  expect(lstatSync(file).isFile()).toBe(true);
  const { truncate } = await import('node:fs/promises');
  await truncate(file, 200_000_000);
  await expect(pullModel(RN50.name)).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED', message: expect.stringContaining(file) });
}, 300_000);

test.each([
  ['ViT-B-32', /no model called "ViT-B-32"/, /ViT-B-32\/openai/],
  ['ViT-B-32:openai', /ARCHITECTURE\/TAG/, /ViT-B-32\/openai/],
  ['RN50/x', /no model called/, /RN50\/openai/],
  ['blip-bas', /no model called/, /blip-base/],
])('%s is no name, and the ones that were meant are told', async (name, message, hint) => {
  await expect(pullModel(name)).rejects.toMatchObject({
    code: 'ERR_MODEL_UNKNOWN',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

test('a name of the other kind is told as that', async () => {
  const create = (config: object) => Interrogator.create({ ...settings, ...config });
  await expect(create({ clipModelName: 'blip-base' })).rejects.toMatchObject({ message: expect.stringContaining('a caption model') });
  const captioned = create({ clipModelName: 'sample', captionModelName: 'ViT-B-32/openai' });
  await expect(captioned).rejects.toMatchObject({ message: expect.stringContaining('a clip model') });
});

test('what is here already needs no fetching', async () => {
  const requests = hub.requests.length;
  expect(await pullModel('sample')).toMatchObject({ name: 'sample', bytes: expect.any(Number) });
  expect(hub.requests).toHaveLength(requests);
});

test.each([
  ['a caption model that does not exist', { captionModelName: 'blip-bsae' }, 'ERR_MODEL_UNKNOWN'],
  ['captions that are too long', { captionModelName: BLIP_BASE.name, captionMaxLength: 512 + 1 }, 'ERR_CONFIG'],
])('%s is told before anything is fetched', async (_, config, code) => {
  const requests = hub.requests.length;
  await expect(Interrogator.create({ ...settings, clipModelName: VIT_B_32.name, ...config })).rejects.toMatchObject({ code });
  expect(hub.requests).toHaveLength(requests);
});

test('what an older open_clip left is used, and what of it is damaged is fetched from the hub', async () => {
  const { file } = await pullModel(VIT_B_32.name);
  const home = mkdtempSync(path.join(work, 'home-'));
  mkdirSync(path.join(home, '.cache', 'clip'), { recursive: true });
  const legacy = path.join(home, '.cache', 'clip', 'ViT-B-32.pt');
  // Told apart by content, and not what OpenAI published under that name.
  copyFileSync(file, legacy);
  process.env.HF_HUB_CACHE = mkdtempSync(path.join(work, 'cache-'));
  // libtorch stays where it is found. The system's own environment is out of a test's reach.
  process.env.XDG_CACHE_HOME ??= path.join(os.homedir(), '.cache');
  jest.spyOn(os, 'homedir').mockReturnValue(home);
  const requests = hub.requests.length;
  const named = { ...settings, clipModelName: VIT_B_32.name, captionModelName: null };
  await (await Interrogator.create({ ...named, verifyHashes: false })).dispose();
  expect((await modelStatuses()).find(({ name }) => name === VIT_B_32.name)).toMatchObject({ installed: legacy });
  expect(hub.requests).toHaveLength(requests);
  await expect(Interrogator.create(named)).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED', message: expect.stringContaining(legacy) });

  const pulled = await pullModel(VIT_B_32.name);
  expect(pulled.file).not.toBe(legacy);
  expect(existsSync(legacy)).toBe(true);
  await (await Interrogator.create(named)).dispose();
}, 300_000);

test('the list of models says what is here, and needs no request', async () => {
  const requests = hub.requests.length;
  const status = async () => (await modelStatuses()).find(({ name }) => name === BLIP_BASE.name);
  expect(await status()).toMatchObject({ kind: 'caption', installed: null, runnable: false });
  expect(hub.requests).toHaveLength(requests);
  const { file } = await pullModel(BLIP_BASE.name);
  expect(await status()).toMatchObject({ installed: file, runnable: true });
  process.env.LIBTORCH = path.join(work, 'no-libtorch');
  expect(await status()).toMatchObject({ installed: file, runnable: false });
}, 300_000);
