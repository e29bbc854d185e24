import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { bundleFolderName, readBundle } from '../../lib/bundles/bundle';
import { installedBundles } from '../../lib/bundles/installed';
import { resolveBundle } from '../../lib/bundles/resolve';

const MODELS = path.join(__dirname, '..', '..', 'models');
const sample = (kind: string) => JSON.parse(readFileSync(path.join(MODELS, 'sample', kind, 'manifest.json'), 'utf8'));
const CLIP = { ...sample('clip'), name: 'ViT-B-32/openai' };
const CAPTION = { ...sample('caption'), name: 'blip-base' };

let work: string;
let home: string;
const oldHome = process.env.TORCH_INTERROGATOR_HOME;

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'bundles-'));
  home = path.join(work, 'home');
  process.env.TORCH_INTERROGATOR_HOME = home;
  process.env.HF_HUB_CACHE = path.join(work, 'hub');
});
afterEach(() => {
  if (oldHome === undefined) delete process.env.TORCH_INTERROGATOR_HOME;
  else process.env.TORCH_INTERROGATOR_HOME = oldHome;
  delete process.env.HF_HUB_CACHE;
  rmSync(work, { recursive: true });
});

function write(folder: string, manifest: unknown): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'manifest.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  return folder;
}

test('a folder is named after the model with / and @ replaced', () => {
  expect(bundleFolderName('ViT-L-14@336/openai')).toBe('ViT-L-14_336_openai');
});

test('a name is found in the bundle home', async () => {
  const folder = write(path.join(home, 'ViT-B-32_openai'), CLIP);
  expect(await resolveBundle('clip', 'ViT-B-32/openai', null)).toEqual({ folder, manifest: CLIP });
});

test('a name may mean a folder with one bundle of each kind', async () => {
  const clip = write(path.join(home, 'pair', 'clip'), CLIP);
  const caption = write(path.join(home, 'pair', 'caption'), CAPTION);
  expect((await resolveBundle('clip', 'pair', null)).folder).toBe(clip);
  expect((await resolveBundle('caption', 'pair', null)).folder).toBe(caption);
});

test('a bundle folder is taken as it is', async () => {
  const folder = write(path.join(work, 'mine'), CLIP);
  expect((await resolveBundle('clip', folder, null)).folder).toBe(folder);
});

test('the search folder goes before the bundle home, as a bundle or as a folder of bundles', async () => {
  write(path.join(home, 'ViT-B-32_openai'), CLIP);
  const own = write(path.join(work, 'own', 'ViT-B-32_openai'), CLIP);
  expect((await resolveBundle('clip', 'ViT-B-32/openai', path.join(work, 'own'))).folder).toBe(own);
  expect((await resolveBundle('clip', 'ViT-B-32/openai', own)).folder).toBe(own);
});

test.each([
  ['vit-l-14/openai', 'ViT-L-14/openai'],
  ['ViT-L-41/openai', 'ViT-L-14/openai'],
])('%s, which is no name, is answered with %s', async (name, expected) => {
  await expect(resolveBundle('clip', name, null)).rejects.toMatchObject({
    code: 'ERR_MODEL_UNKNOWN',
    message: expect.stringContaining(expected),
  });
});

test('a name of the catalog whose weights are not here is answered with the command that fetches them', async () => {
  const error = await resolveBundle('clip', 'ViT-L-14/openai', null).catch((reason) => reason);
  expect(error).toMatchObject({ code: 'ERR_WEIGHTS_NOT_FOUND', message: expect.stringContaining('download is false') });
  expect(error.hint).toContain('npx torch-interrogator pull ViT-L-14/openai');
  expect(error.hint).toContain('--clip sample --caption sample');
});

test('the nearest names include what is installed under a name of its own', async () => {
  write(path.join(home, 'my-clip'), { ...CLIP, name: 'my-clip/' });
  await expect(resolveBundle('clip', 'my-clp', null)).rejects.toMatchObject({ message: expect.stringContaining('my-clip') });
});

test('a name is never a path relative to the working directory, and a path is never a name', async () => {
  const before = process.cwd();
  process.chdir(work);
  try {
    const here = [
      write(path.join(work, 'ViT-B-32', 'openai'), CLIP),
      write(path.join(work, 'mine'), CLIP),
      write(path.join(work, 'a', 'b', 'clip'), CLIP),
    ];
    for (const [name, code] of [
      ['ViT-B-32/openai', 'ERR_WEIGHTS_NOT_FOUND'],
      ['mine', 'ERR_MODEL_UNKNOWN'],
      ['a/b', 'ERR_MODEL_UNKNOWN'],
    ] as const) {
      await expect(resolveBundle('clip', name, null)).rejects.toMatchObject({ code });
    }
    await expect(resolveBundle('clip', 'mine', null)).rejects.toMatchObject({ message: expect.stringContaining('./mine') });
    const folder = write(path.join(home, 'ViT-B-32_openai'), CLIP);
    expect((await resolveBundle('clip', 'ViT-B-32/openai', null)).folder).toBe(folder);
    for (const [name, found] of [
      ['./ViT-B-32/openai', here[0]],
      ['./mine', here[1]],
      ['./a/b', here[2]],
      [`../${path.basename(work)}/mine/`, here[1]],
    ] as const) {
      expect((await resolveBundle('clip', name, null)).folder).toBe(found);
    }
    await expect(resolveBundle('clip', './ViT-B-32_openai', null)).rejects.toMatchObject({ code: 'ERR_BUNDLE_NOT_FOUND' });
  } finally {
    process.chdir(before);
  }
});

test('a folder below the home folder may be given with ~', async () => {
  await expect(resolveBundle('clip', '~/no-such-bundle', null)).rejects.toMatchObject({
    code: 'ERR_BUNDLE_NOT_FOUND',
    message: expect.stringContaining(path.join(homedir(), 'no-such-bundle')),
  });
});

test.each<[string, unknown, string]>([
  ['that is not JSON', '<!doctype html>', 'ERR_BUNDLE_INVALID'],
  ['that is null', 'null', 'ERR_BUNDLE_INVALID'],
  ['without a format version', { ...CLIP, formatVersion: undefined }, 'ERR_BUNDLE_INVALID'],
  ['of a newer format', { ...CLIP, formatVersion: 3 }, 'ERR_BUNDLE_VERSION'],
  ['of an unknown kind', { ...CLIP, kind: 'audio' }, 'ERR_BUNDLE_INVALID'],
  ['of the other kind', CAPTION, 'ERR_BUNDLE_KIND'],
  ['with a vocabulary that is no list', { ...CLIP, vocabulary: {} }, 'ERR_BUNDLE_INVALID'],
  ['with a vocabulary of no paths', { ...CLIP, vocabulary: [5] }, 'ERR_BUNDLE_INVALID'],
  ['with a term list outside of it', { ...CLIP, vocabulary: ['vocabulary/../../flavors.txt'] }, 'ERR_BUNDLE_INVALID'],
  ['with a tokenizer outside of it', { ...CLIP, tokenizer: { file: '../tokenizer.json', clean: 'lower' } }, 'ERR_BUNDLE_INVALID'],
  ['with a tokenizer that it does not list', { ...CLIP, files: {} }, 'ERR_BUNDLE_INVALID'],
  ['without a context length', { ...CLIP, text: {} }, 'ERR_BUNDLE_INVALID'],
])('a manifest %s is refused', async (_, manifest, code) => {
  const folder = write(path.join(work, 'bad'), manifest);
  await expect(resolveBundle('clip', folder, null)).rejects.toMatchObject({ code, message: expect.stringContaining(folder) });
});

test('a folder without a bundle is refused', async () => {
  await expect(resolveBundle('clip', work, null)).rejects.toMatchObject({ code: 'ERR_BUNDLE_NOT_FOUND' });
  await expect(readBundle(work)).rejects.toMatchObject({ code: 'ERR_BUNDLE_NOT_FOUND' });
  for (const missing of [path.join(work, 'nope'), './nope', '../nope/']) {
    await expect(resolveBundle('clip', missing, null)).rejects.toMatchObject({
      code: 'ERR_BUNDLE_NOT_FOUND',
      message: expect.stringContaining('There is no folder'),
    });
  }
});

test('installed bundles are those of the home and of the package, unreadable ones left out', async () => {
  const folder = write(path.join(home, 'ViT-B-32_openai'), CLIP);
  write(path.join(home, 'broken'), '{');
  const installed = await installedBundles();
  expect(installed).toContainEqual({ kind: 'clip', name: 'ViT-B-32/openai', folder });
  expect(installed.some((bundle) => bundle.folder.includes('broken'))).toBe(false);
});
