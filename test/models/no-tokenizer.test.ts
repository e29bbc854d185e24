/** Models whose tokenizer the hub keeps, where it is not to be had: which repository it is of is told, and what to run, and nothing is kept. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { type ConfigInput, Interrogator, importModel, pullModel } from '../../lib';
import { TOKENIZERS } from '../../lib/bundles/graph';
import { findTokenizer } from '../../lib/bundles/tokenizers';
import { fetchFiles } from '../../lib/hub';
import { runHere } from '../cli/command';
import { listing, makePlace, type Place } from '../hub/place';
import { shapesOf, writeEmptyWeights } from '../support/empty-weights';

let place: Place;
let home: string;
beforeEach(async () => {
  place = await makePlace({ renamed: { 'roberta-base': 'FacebookAI/roberta-base' } });
  home = path.join(place.folder, 'home');
  mkdirSync(home);
  process.env.TORCH_INTERROGATOR_HOME = home;
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  jest.restoreAllMocks();
  await place.leave();
});

const TOKENIZER = brotliDecompressSync(readFileSync(path.join(TOKENIZERS, 'bert-uncased.json.br')));
const NOWHERE = 'http://127.0.0.1:1';

const create = (config: ConfigInput): Promise<Interrogator> =>
  Interrogator.create({ captionModelName: null, device: 'cpu', cachePath: null, quiet: true, ...config });

/** A name, and the repository of its tokenizer. Of one without a tag that is all that is fetched. */
const MODELS = [
  ['roberta-ViT-B-32/', 'roberta-base', { clipModelName: 'roberta-ViT-B-32/' }],
  ['roberta-ViT-B-32/laion2b_s12b_b32k', 'roberta-base', { clipModelName: 'roberta-ViT-B-32/laion2b_s12b_b32k' }],
  ['ViT-B-16-SigLIP/webli', 'timm/ViT-B-16-SigLIP', { clipModelName: 'ViT-B-16-SigLIP/webli' }],
  ['blip2-2.7b', 'Salesforce/blip2-opt-2.7b', { clipModelName: 'sample', captionModelName: 'blip2-2.7b' }],
] as const;

/** Of each way to come by the model, what it says. What is tried again for seconds is asked in one way alone. */
async function failuresOf(name: string, config: ConfigInput, { isSlow = false } = {}): Promise<{ code: string; message: string }[]> {
  const failures = [await create(config).catch((error) => error)];
  if (isSlow) return failures;
  failures.push(await pullModel(name).catch((error) => error));
  const pulled = await runHere(['pull', name, '--quiet']);
  expect({ code: pulled.code, stdout: pulled.stdout }).toEqual({ code: 1, stdout: '' });
  failures.push({ code: /\((ERR_\w+)\)/.exec(pulled.stderr)?.[1] ?? '', message: pulled.stderr });
  return failures;
}

describe.each(MODELS)('%s', (name, repository, config) => {
  test.each([
    ['there is no network', () => Object.assign(process.env, { HF_ENDPOINT: NOWHERE }), 'ECONNREFUSED'],
    ['the repository is not there', () => {}, 'has no repository'],
    ['the repository has no tokenizer', () => void place.write(served(repository), 'config.json', 100), 'has no tokenizer'],
    ['the hub is in trouble', () => void place.hub.faults.push({ status: 503, times: -1, retryAfter: '0' }), 'answered 503'],
  ])(
    'where %s',
    async (_, arrange, why) => {
      arrange();
      for (const { code, message } of await failuresOf(name, config, { isSlow: /ECONN|503/.test(why) })) {
        expect({ code, message }).toEqual({ code: 'ERR_NETWORK', message: expect.stringContaining(why) });
        expect(message).toContain(`The tokenizer of ${name} (${repository}) cannot be fetched: `);
        expect(message).toContain(`npx torch-interrogator pull ${name}`);
      }
      expect(listing(place.cache)).toEqual([]);
    },
    120_000,
  );

  test('where HF_HUB_OFFLINE is set', async () => {
    process.env.HF_HUB_OFFLINE = '1';
    for (const { code, message } of await failuresOf(name, config)) {
      expect(code).toBe(name.endsWith('/') ? 'ERR_TOKENIZER' : 'ERR_WEIGHTS_NOT_FOUND');
      expect(message).toMatch(/HF_HUB_OFFLINE is set/);
      expect(message).toContain(`okenizer of ${name} (${repository})`);
      expect(message).toContain(`npx torch-interrogator pull ${name}\n`);
    }
    expect(place.hub.requests).toEqual([]);
    expect(listing(place.cache)).toEqual([]);
  });
});

/** As the stand-in serves it. */
function served(repository: string): string {
  return repository === 'roberta-base' ? 'FacebookAI/roberta-base' : repository;
}

test('a tokenizer that breaks off while it comes is not one yet, and goes on from there', async () => {
  place.write('FacebookAI/roberta-base', 'tokenizer.json', TOKENIZER);
  place.hub.faults.push({ at: 'store', cutAfter: 100_000 }, { at: 'store', cutAfter: 0, times: -1 });
  await expect(pullModel('roberta-ViT-B-32/')).rejects.toMatchObject({ code: 'ERR_NETWORK' });
  expect(await findTokenizer('roberta-base')).toBeUndefined();
  expect(listing(place.cache).filter((file) => !file.includes('.torch-interrogator.incomplete'))).toEqual([]);
  place.hub.faults.length = 0;
  const { name, file, bytes } = await pullModel('roberta-ViT-B-32/');
  expect({ name, file, bytes }).toEqual({ name: 'roberta-ViT-B-32/', file: await findTokenizer('roberta-base'), bytes: TOKENIZER.length });
}, 120_000);

describe('a tokenizer that cannot be used', () => {
  const NAME = 'ViT-B-16-SigLIP/';
  const REPOSITORY = 'timm/ViT-B-16-SigLIP';

  test.each([
    ['no JSON', Buffer.from('<!doctype html>'), /tokenizer\.json: .*not valid JSON/],
    ['of an unknown kind', Buffer.from('{"model":{"type":"Telepathy"}}'), /tokenizer\.json: .*Telepathy/],
    ['cut short', TOKENIZER.subarray(0, 20_000), /tokenizer\.json: /],
    ['empty of words', Buffer.from('{}'), /tokenizer\.json: /],
  ])(
    '%s, is told with its repository and its folder',
    async (_, content, why) => {
      place.write(REPOSITORY, 'tokenizer.json', content);
      const failed = create({ clipModelName: NAME });
      await expect(failed).rejects.toMatchObject({
        code: 'ERR_TOKENIZER',
        message: expect.stringMatching(why),
        hint: expect.stringMatching(/npx torch-interrogator pull ViT-B-16-SigLIP\/\n.*remove .*models--timm--ViT-B-16-SigLIP/),
      });
      await expect(failed).rejects.toThrow(`The tokenizer of ${NAME} (${REPOSITORY}): `);
      // The process goes on.
      await (await create({ clipModelName: 'sample' })).dispose();
    },
    120_000,
  );

  test('since it was damaged on this machine, is fetched again by the command that the error names', async () => {
    place.write(REPOSITORY, 'tokenizer.json', TOKENIZER);
    place.write(REPOSITORY, 'tokenizer_config.json', Buffer.from('{}'));
    // Publishers keep weights in the same repository.
    const weights = place.write(REPOSITORY, 'open_clip_model.safetensors', 150_000);
    const { file: folder } = await pullModel(NAME);
    const [weightsFile] = (await fetchFiles(REPOSITORY, ['open_clip_model.safetensors'])) as [string];
    for (const [file, damage] of [
      ['tokenizer.json', 'zzz'],
      ['tokenizer_config.json', 'zzz'],
      ['tokenizer_config.json', '[]'],
    ] as const) {
      writeFileSync(path.join(folder, file), damage);
      await pullModel(NAME);
      expect(readFileSync(weightsFile).equals(weights)).toBe(true);
      expect(readFileSync(path.join(folder, 'tokenizer.json')).equals(TOKENIZER)).toBe(true);
      expect(readFileSync(path.join(folder, 'tokenizer_config.json'), 'utf8')).toBe('{}');
    }
    const asked = place.hub.requests.length;
    await pullModel(NAME);
    expect(place.hub.requests.length).toBe(asked);
    writeFileSync(path.join(folder, 'tokenizer.json'), 'zzz');
    process.env.HF_HUB_OFFLINE = '1';
    await expect(pullModel(NAME)).rejects.toMatchObject({ code: 'ERR_BUNDLE_DAMAGED' });
    expect(readFileSync(path.join(folder, 'tokenizer.json'), 'utf8')).toBe('zzz');
  }, 120_000);
});

describe('weights to be imported', () => {
  async function weights(graph: string, tokenizer?: Buffer | string): Promise<string> {
    const folder = mkdtempSync(path.join(place.folder, 'weights-'));
    writeEmptyWeights(path.join(folder, 'model.safetensors'), await shapesOf(graph));
    if (tokenizer !== undefined) writeFileSync(path.join(folder, 'tokenizer.json'), tokenizer);
    return folder;
  }

  test.each([
    ['clip', 'roberta-ViT-B-32', 'roberta-ViT-B-32/laion2b_s12b_b32k', 'roberta-base'],
    ['clip', 'coca_roberta-ViT-B-32', 'coca_roberta-ViT-B-32/', 'roberta-base'],
    ['caption', 'git-large-coco', 'git-large-coco', 'microsoft/git-large-coco'],
  ] as const)('as a %s model of %s, without a tokenizer beside them', async (kind, architecture, pulled, repository) => {
    const folder = await weights(architecture);
    for (const [env, code, why] of [
      [{ HF_HUB_OFFLINE: '1' }, 'ERR_TOKENIZER', 'HF_HUB_OFFLINE is set'],
      [{ HF_HUB_OFFLINE: '' }, 'ERR_NETWORK', 'has no repository'],
    ] as const) {
      Object.assign(process.env, env);
      await expect(importModel(kind, architecture, folder, { name: 'mine' })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(
          `^There is no tokenizer.json beside ${folder}.*The tokenizer of ${pulled} \\(${repository}\\).*${why}`,
        ),
        hint: expect.stringMatching(
          `^Put the model's tokenizer.json beside its weights, or:\n(.*\n)*.*npx torch-interrogator pull ${pulled}`,
        ),
      });
      const out = path.join(place.folder, 'out');
      const { code: exit, stderr } = await runHere(['import', kind, architecture, '--weights', folder, '--out', out, '--copy']);
      expect(exit).toBe(1);
      expect(stderr).toContain(code);
      expect(existsSync(out)).toBe(false);
    }
    expect(listing(home)).toEqual([]);
    expect(listing(place.cache)).toEqual([]);
  });

  test.each([
    ['clip', 'roberta-ViT-B-32', 'roberta-base'],
    ['caption', 'git-large-coco', 'microsoft/git-large-coco'],
  ] as const)('as a %s model of %s, with one beside them that cannot be used', async (kind, architecture, repository) => {
    const folder = await weights(architecture, '{"model":{"type":"Telepathy"}}');
    await expect(importModel(kind, architecture, folder, { name: 'mine' })).rejects.toMatchObject({
      code: 'ERR_TOKENIZER',
      message: expect.stringContaining(path.join(folder, 'tokenizer.json')),
      hint: `Put the model's own there, or take it away: then that of ${repository} is used.`,
    });
    expect(listing(home)).toEqual([]);
    expect(place.hub.requests).toEqual([]);
  });

  test('a bundle of them whose tokenizer is gone from the cache says what to run, which fetches it', async () => {
    place.write('FacebookAI/roberta-base', 'tokenizer.json', TOKENIZER);
    const folder = await weights('roberta-ViT-B-32');
    await importModel('clip', 'roberta-ViT-B-32', folder, { name: 'mine' });
    rmSync(place.cache, { recursive: true });
    await expect(create({ clipModelName: 'mine', download: false })).rejects.toMatchObject({
      code: 'ERR_TOKENIZER',
      message: expect.stringMatching(
        /^The tokenizer of mine \(roberta-base\) is not in .*, and it is not fetched because download is false/,
      ),
      hint: expect.stringContaining('Fetch it, where there is a network, with: npx torch-interrogator pull mine\n'),
    });
    expect(await pullModel('mine')).toMatchObject({ name: 'mine', file: path.join(folder, 'model.safetensors') });
    expect(await findTokenizer('roberta-base')).toBeDefined();
  }, 60_000);
});
