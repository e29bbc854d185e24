/** Settings are read as Python's huggingface_hub reads them. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { atEndpoint, hubCacheFolder, hubEndpoint, hubTimeouts, hubToken, isOffline } from '../../lib/hub/environment';
import { exporterPython } from '../support/python';

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'hub-home-'));
  mkdirSync(path.join(home, '.cache', 'huggingface'), { recursive: true });
  writeFileSync(path.join(home, '.cache', 'huggingface', 'token'), 'hf_ofTheHome\n');
  writeFileSync(path.join(home, 'other'), '  hf_ofAnotherFile\r\n');
});
afterAll(() => rmSync(home, { recursive: true }));

/** Settings that differ in what they say about one thing. */
const SETTINGS: Record<string, string>[] = [
  {},
  { HF_HOME: '/a/b' },
  { HF_HOME: '~/x' },
  { XDG_CACHE_HOME: '/xdg' },
  { XDG_CACHE_HOME: '/xdg', HF_HOME: '$HOME/y' },
  { HUGGINGFACE_HUB_CACHE: '/old' },
  { HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '\x24{HOME}/new/$NONE/\x24{NONE}' },
  { HF_HUB_CACHE: '~' },
  { HF_HUB_OFFLINE: '1' },
  { HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: '1' },
  { HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: 'Yes' },
  { HF_HUB_OFFLINE: 'on' },
  { HF_HUB_OFFLINE: 'true' },
  { HF_HUB_OFFLINE: 'y' },
  { HF_HUB_OFFLINE: '2' },
  { TRANSFORMERS_OFFLINE: 'false' },
  { HF_TOKEN: 'hf_a', HUGGING_FACE_HUB_TOKEN: 'hf_b' },
  { HUGGING_FACE_HUB_TOKEN: ' hf_b\n' },
  { HF_TOKEN: '' },
  { HF_TOKEN_PATH: '~/other' },
  { HF_TOKEN_PATH: '/none' },
  { HF_ENDPOINT: 'https://mirror.example/hub//' },
];

test('cache, offline mode, token and address are what Python says', async () => {
  const script = `
import importlib, json, os, sys
from huggingface_hub import constants, get_token
said = []
for environment in json.loads(sys.argv[1]):
    os.environ.clear()
    os.environ.update(environment)
    importlib.reload(constants)
    said.append([constants.HF_HUB_CACHE, constants.HF_HUB_OFFLINE, get_token(), constants.ENDPOINT])
print(json.dumps(said))
`;
  const environments = SETTINGS.map((each) => ({ HOME: home, PATH: process.env.PATH as string, ...each }));
  const { stdout } = await promisify(execFile)(await exporterPython(), ['-c', script, JSON.stringify(environments)]);
  const ours = environments.map((env) => [hubCacheFolder(env), isOffline(env), hubToken(env) ?? null, hubEndpoint(env)]);
  const theirs = JSON.parse(stdout);
  for (const [i, settings] of SETTINGS.entries()) expect({ settings, is: ours[i] }).toEqual({ settings, is: theirs[i] });
});

test('an empty setting is none', () => {
  expect(hubCacheFolder({ HOME: '/h', HF_HUB_CACHE: '', HF_HOME: '', XDG_CACHE_HOME: '' })).toBe('/h/.cache/huggingface/hub');
});

test('a token can be kept from requests, and must be one', () => {
  expect(hubToken({ HF_TOKEN: 'hf_a', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toBeUndefined();
  expect(() => hubToken({ HF_TOKEN: 'hf_ä b' })).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', message: expect.not.stringContaining('hf_') }),
  );
});

test("addresses at the public hub are asked for at the user's", () => {
  const url = 'https://huggingface.co/pharma/ci-preprocess/resolve/main/';
  expect(atEndpoint(url, {})).toBe(url);
  expect(atEndpoint(url, { HF_ENDPOINT: 'http://mirror:8/hub/' })).toBe('http://mirror:8/hub/pharma/ci-preprocess/resolve/main/');
  expect(atEndpoint('https://huggingface.co.example/a', { HF_ENDPOINT: 'http://mirror' })).toBe('https://huggingface.co.example/a');
});

test('times are seconds, and nonsense is none', () => {
  expect(hubTimeouts({})).toEqual({ facts: 10_000, content: 30_000 });
  expect(hubTimeouts({ HF_HUB_ETAG_TIMEOUT: '5', HF_HUB_DOWNLOAD_TIMEOUT: 'x' })).toEqual({ facts: 5000, content: 30_000 });
});
