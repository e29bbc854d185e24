/** The term lists of clip-interrogator, fetched from its own wheel. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TABLE_NAMES } from '../../lib/labels/label-store';
import { referenceVocabulary, referenceVocabularyFolder } from '../../lib/labels/reference-vocabulary';
import { makeWheel, PackageIndex } from '../support/package-index';
import { runPython } from '../support/python';

const saved = { ...process.env };
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(path.join(os.tmpdir(), 'vocabulary-'));
});
afterEach(() => {
  process.env = { ...saved };
  rmSync(cache, { recursive: true });
});

test('the lists are those that exported bundles have, byte by byte, and their licence is beside them', async () => {
  const folder = await referenceVocabulary();
  const code =
    'import pathlib, sys; from torch_interrogator_export.bundle import copy_vocabulary; print(*copy_vocabulary(None, pathlib.Path(sys.argv[1])))';
  const listed = (await runPython(['-c', code, cache])).trim().split(' ');
  expect(readdirSync(folder).sort()).toEqual(['LICENSE', ...listed.map((name) => path.basename(name))]);
  for (const name of listed) {
    expect(readFileSync(path.join(folder, path.basename(name))).equals(readFileSync(path.join(cache, name)))).toBe(true);
  }
  // The sixth, trendings, is no list of the wheel: its sites are in the reference's code.
  expect(listed.map((name) => path.basename(name, '.txt'))).toEqual(TABLE_NAMES.filter((name) => name !== 'trendings').sort());
  expect(readFileSync(path.join(folder, 'LICENSE'), 'utf8')).toContain('MIT License');
});

test('what was fetched is found without a request, also where nothing may be downloaded', async () => {
  const real = await referenceVocabulary();
  process.env.TORCH_INTERROGATOR_CACHE = cache;
  process.env.PIP_INDEX_URL = 'http://127.0.0.1:1/simple';
  mkdirSync(path.dirname(referenceVocabularyFolder()), { recursive: true });
  cpSync(real, referenceVocabularyFolder(), { recursive: true });
  expect(await referenceVocabulary({ download: false })).toBe(referenceVocabularyFolder());
  expect(await referenceVocabulary()).toBe(referenceVocabularyFolder());
});

describe('where it is not there', () => {
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('PIP_')) delete process.env[name];
    Object.assign(process.env, { TORCH_INTERROGATOR_CACHE: cache, PIP_CONFIG_FILE: '/dev/null', PIP_RETRIES: '0', NO_PROXY: '127.0.0.1' });
  });
  const remedy = expect.stringMatching(/npx torch-interrogator setup.*dataPath/);

  test('and nothing may be downloaded, the error says so and names the command', async () => {
    await expect(referenceVocabulary({ download: false })).rejects.toMatchObject({ code: 'ERR_VOCABULARY_NOT_FOUND', hint: remedy });
    expect(readdirSync(cache)).toEqual([]);
  });

  test('and no index can be reached, the error says which', async () => {
    process.env.PIP_INDEX_URL = 'http://127.0.0.1:1/simple';
    await expect(referenceVocabulary()).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_NOT_FOUND',
      message: expect.stringContaining('127.0.0.1:1/simple/clip-interrogator/'),
      hint: remedy,
    });
  });

  test('and the index has other lists under that name, they are not taken', async () => {
    const other = makeWheel('clip-interrogator', '0.6.0', { 'clip_interrogator/data/artists.txt': 'nobody' });
    const index = await PackageIndex.start([{ ...other, file: 'clip_interrogator-0.6.0-py3-none-any.whl' }]);
    process.env.PIP_INDEX_URL = index.url;
    await expect(referenceVocabulary()).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_NOT_FOUND',
      message: expect.stringContaining(other.sha256),
    });
    expect(existsSync(referenceVocabularyFolder())).toBe(false);
    await index.stop();
  });

  test('an abort is an abort', async () => {
    await expect(referenceVocabulary({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});
