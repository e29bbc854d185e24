/** Tokenizers that a manifest leaves with the hub: found where Python's client keeps them, fetched once, and missed with a remedy. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tokenizerFolder } from '../../lib/bundles/bundle';
import type { CatalogEntry } from '../../lib/bundles/catalog';
import { obtain, requireAll } from '../../lib/bundles/published';
import { locateModel, openLocated } from '../../lib/bundles/resolve';
import { FORMS, fetchTokenizer, findTokenizer } from '../../lib/bundles/tokenizers';
import { FORMS as READ_FORMS } from '../../lib/tokenizer/compile/folder';
import { askPython, makePlace, type Place } from '../hub/place';

const SAMPLE = path.join(__dirname, '..', '..', 'models', 'sample', 'clip');
const REPOSITORY = 'somebody/tiny-tokenizer';

let place: Place;
beforeEach(async () => {
  place = await makePlace({ renamed: { 'tiny-base': REPOSITORY } });
});
afterEach(() => place.leave());

function publish(names: readonly string[]): void {
  for (const name of names) place.write(REPOSITORY, name, 2000);
}

const silent = { onProgress: () => {} };

test('what is fetched is what can be read, in the same order', () => {
  expect(READ_FORMS.map(({ files }) => files)).toEqual(FORMS);
});

test('all that transformers reads of a tokenizer is fetched, and nothing else; Python finds it there', async () => {
  const wanted = ['config.json', 'sentencepiece.bpe.model', 'special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json'];
  publish([...wanted, 'pytorch_model.bin', 'README.md']);
  expect(await findTokenizer(REPOSITORY)).toBeUndefined();
  const folder = await fetchTokenizer(REPOSITORY, silent);
  expect(await findTokenizer(REPOSITORY)).toBe(folder);
  for (const name of wanted) expect(existsSync(path.join(folder, name))).toBe(true);
  for (const name of ['pytorch_model.bin', 'README.md']) expect(existsSync(path.join(folder, name))).toBe(false);
  const asked = place.hub.requests.length;
  const { paths } = await askPython([REPOSITORY, ...wanted], { HF_HUB_OFFLINE: '1' });
  expect(paths).toEqual(wanted.map((name) => path.join(folder, name)));
  expect(place.hub.requests.length).toBe(asked);
});

test.each([[['spiece.model', 'config.json']], [['vocab.json', 'merges.txt']], [['vocab.txt']]])('%j are a tokenizer', async (names) => {
  publish(names);
  expect(await findTokenizer(REPOSITORY)).toBeUndefined();
  const folder = await fetchTokenizer(REPOSITORY, silent);
  expect(await findTokenizer(REPOSITORY)).toBe(folder);
});

test('a repository that goes by an older name of one part is found under that name, as Python keeps it', async () => {
  publish(['tokenizer.json', 'config.json']);
  const folder = await fetchTokenizer('tiny-base', silent);
  expect(folder).toContain(`${path.sep}models--tiny-base${path.sep}`);
  expect(await findTokenizer('tiny-base')).toBe(folder);
});

test('a repository without a tokenizer is named, and half of one is none', async () => {
  publish(['vocab.json', 'config.json']);
  await expect(fetchTokenizer(REPOSITORY, silent)).rejects.toMatchObject({
    code: 'ERR_NETWORK',
    message: expect.stringContaining(`${REPOSITORY} has no tokenizer`),
  });
});

const ENTRY = { name: 'tiny/web', repository: 'somebody/tiny', files: ['open_clip_model.safetensors'] } as unknown as CatalogEntry;
const NEEDED = { name: ENTRY.name, entry: ENTRY, tokenizer: REPOSITORY };

test('weights and tokenizer are fetched together, told in one stage, and once', async () => {
  publish(['tokenizer.json', 'tokenizer_config.json']);
  place.write('somebody/tiny', 'open_clip_model.safetensors', 200_000);
  const told = new Map<string, [number, number]>();
  const fetching = {
    download: true,
    report: ({ stage, done, total }: { stage: string; done: number; total: number }) => void told.set(stage, [done, total]),
  };
  const first = await obtain(NEEDED, fetching);
  expect([...told]).toEqual([['download tiny/web', [204_000, 204_000]]]);
  expect(readFileSync(first.weights as string)).toHaveLength(200_000);
  expect(readFileSync(path.join(first.tokenizer as string, 'tokenizer.json'))).toHaveLength(2000);
  const asked = place.hub.requests.length;
  expect(await obtain(NEEDED, { download: false })).toEqual(first);
  expect(place.hub.requests.length).toBe(asked);
});

test('what is missing is named where nothing may be fetched, with the command that fetches it', async () => {
  await expect(requireAll([NEEDED], { download: false })).rejects.toMatchObject({
    code: 'ERR_WEIGHTS_NOT_FOUND',
    message: expect.stringMatching(
      /^The weights of tiny\/web, and the tokenizer of tiny\/web \(somebody\/tiny-tokenizer\) are not in .* download is false/,
    ),
    hint: expect.stringContaining('npx torch-interrogator pull tiny/web\n'),
  });
  place.write('somebody/tiny', 'open_clip_model.safetensors', 1000);
  await obtain({ name: ENTRY.name, entry: ENTRY }, { download: true });
  process.env.HF_HUB_OFFLINE = '1';
  await expect(obtain(NEEDED, { download: true })).rejects.toMatchObject({
    code: 'ERR_TOKENIZER',
    message: expect.stringMatching(/^The tokenizer of tiny\/web .*HF_HUB_OFFLINE is set/),
    hint: expect.stringContaining('npx torch-interrogator pull tiny/web'),
  });
});

describe('a bundle', () => {
  function bundle(tokenizer: object): string {
    const folder = path.join(place.folder, 'bundle');
    mkdirSync(folder);
    cpSync(SAMPLE, folder, { recursive: true });
    const file = path.join(folder, 'manifest.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), tokenizer }));
    return folder;
  }

  test('whose manifest names a repository opens with its tokenizer', async () => {
    publish(['tokenizer.json']);
    const located = await locateModel('clip', bundle({ repository: REPOSITORY, clean: 'canonicalize' }), null);
    await expect(openLocated(located, { download: false })).rejects.toMatchObject({ code: 'ERR_TOKENIZER' });
    const opened = await openLocated(located, { download: true });
    expect(tokenizerFolder(opened)).toBe(await findTokenizer(REPOSITORY));
    expect(await openLocated(located, { download: false })).toEqual(opened);
  });

  test.each([
    [{ clean: 'lower' }, /tokenizer\.file: expected a file, or a repository/],
    [{ file: 'tokenizer.json', repository: REPOSITORY, clean: 'lower' }, /tokenizer\.file: expected a file, or a repository/],
    [{ repository: '../../etc/passwd', clean: 'lower' }, /tokenizer\.repository: got/],
    [{ repository: REPOSITORY, clean: 'upper' }, /tokenizer\.clean: got/],
    [{ repository: REPOSITORY, clean: 'lower', stripSepId: -1 }, /tokenizer\.stripSepId: got/],
  ])('with the tokenizer %j is refused', async (tokenizer, message) => {
    await expect(locateModel('clip', bundle(tokenizer), null)).rejects.toMatchObject({
      code: 'ERR_BUNDLE_INVALID',
      message: expect.stringMatching(message),
    });
  });
});
