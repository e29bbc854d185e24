/** pip's settings, out of files and the environment. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readPipSettings } from '../../lib/wheels/pip-settings';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'pip-settings-'));
  jest.spyOn(os, 'homedir').mockReturnValue(path.join(folder, 'home'));
  env = { XDG_CONFIG_DIRS: `${path.join(folder, 'xdg1')}:${path.join(folder, 'xdg2')}` };
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}
const indexes = (): string[] => readPipSettings(env).indexes;

test('without any, PyPI is asked, with the certificates of Node', () => {
  env.PIP_CONFIG_FILE = '/dev/null';
  expect(readPipSettings(env)).toMatchObject({
    indexes: ['https://pypi.org/simple'],
    findLinks: [],
    connection: { certificates: null, proxy: undefined },
    idleMs: 30_000,
    retries: 5,
  });
});

const linux = process.platform === 'linux' ? test : test.skip;
linux('later files win: of the system, the user, the active environment, PIP_CONFIG_FILE, and then variables', () => {
  const say = (name: string): string => write(name, `[global]\nindex-url = https://${name.replaceAll('/', '-')}\n`);
  const steps: [string, NodeJS.ProcessEnv][] = [
    ['xdg1/pip/pip.conf', {}],
    ['xdg2/pip/pip.conf', {}],
    ['home/.pip/pip.conf', {}],
    ['home/.config/pip/pip.conf', {}],
    ['config/pip/pip.conf', { XDG_CONFIG_HOME: path.join(folder, 'config') }],
    ['venv/pip.conf', { VIRTUAL_ENV: path.join(folder, 'venv') }],
    ['own.conf', { PIP_CONFIG_FILE: path.join(folder, 'own.conf') }],
  ];
  for (const [name, variables] of steps) {
    say(name);
    Object.assign(env, variables);
    expect(indexes()).toEqual([`https://${name.replaceAll('/', '-')}`]);
  }
  env.PIP_INDEX_URL = 'https://variable';
  expect(indexes()).toEqual(['https://variable']);
  env.PIP_CONFIG_FILE = '/dev/null';
  env.PIP_INDEX_URL = '';
  expect(indexes()).toEqual(['https://pypi.org/simple']);
});

linux('a file that PIP_CONFIG_FILE names stands in for those of the user', () => {
  write('home/.config/pip/pip.conf', '[global]\nextra-index-url = https://user\n');
  env.PIP_CONFIG_FILE = write('own.conf', '[global]\nindex-url = https://own\n');
  expect(indexes()).toEqual(['https://own']);
});

test('[install] wins over [global], and other sections say nothing', () => {
  env.PIP_CONFIG_FILE = write(
    'own.conf',
    '[install]\nindex-url = https://install\n[global]\nindex-url = https://global\n[download]\nindex-url = https://no\n',
  );
  expect(indexes()).toEqual(['https://install']);
});

test('lists are lines or words; names have other spellings', () => {
  env.PIP_CONFIG_FILE = write(
    'own.conf',
    '[global]\nextra_index_url =\n  https://a\n  https://b\nfind-links = /wheels https://c/page.html\ntimeout = 60\n[install]\ntrusted-host = d\n  e:8080\n',
  );
  env.PIP_DEFAULT_TIMEOUT = '180';
  env.PIP_RETRIES = '1';
  const settings = readPipSettings(env);
  expect(settings).toMatchObject({
    indexes: ['https://pypi.org/simple', 'https://a', 'https://b'],
    findLinks: ['/wheels', 'https://c/page.html'],
    idleMs: 180_000,
    retries: 1,
  });
  const trusted = ['http://d', 'https://d:1', 'http://e:8080', 'http://e', 'http://d.e'].map((url) =>
    settings.connection.isTrusted?.(new URL(url)),
  );
  expect(trusted).toEqual([true, true, true, false, false]);
});

test.each(['1', 'yes', 'True', 'on'])('no-index may be %s', (value) => {
  env.PIP_NO_INDEX = value;
  env.PIP_EXTRA_INDEX_URL = 'https://a';
  expect(indexes()).toEqual([]);
  env.PIP_NO_INDEX = '0';
  expect(indexes()).toHaveLength(2);
});

test('certificates: of pip, then of requests, then of OpenSSL', () => {
  env.PIP_CONFIG_FILE = '/dev/null';
  const certificates = (): unknown => readPipSettings(env).connection.certificates;
  for (const name of ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'PIP_CERT']) {
    env[name] = write(`${name}.pem`, '');
    expect(certificates()).toBe(env[name]);
  }
  env.PIP_CERT = folder;
  expect(certificates()).toBeNull();
  env.PIP_CERT = '~/own.pem';
  expect(() => certificates()).toThrow(expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining('home/own.pem') }));
  write('home/own.pem', '');
  expect(certificates()).toBe(path.join(folder, 'home', 'own.pem'));
});

test('the proxy may lack its scheme', () => {
  env.PIP_PROXY = 'name:secret@proxy:3128';
  expect(readPipSettings(env).connection.proxy).toBe('http://name:secret@proxy:3128');
});

test.each([
  ['PIP_NO_INDEX', 'perhaps'],
  ['PIP_TIMEOUT', 'long'],
  ['PIP_RETRIES', '-1'],
  ['PIP_PROXY', 'http://name:secret@:x'],
])('%s=%s is refused by name', (name, value) => {
  env[name] = value;
  const read = (): unknown => readPipSettings(env);
  expect(read).toThrow(expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringContaining(name) }));
  expect(read).not.toThrow(/secret/);
});

test('a file that cannot be read is named with its line', () => {
  env.PIP_CONFIG_FILE = write('own.conf', '[global]\nsecret\n');
  expect(() => readPipSettings(env)).toThrow(
    expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(/own\.conf cannot be read: line 2/) }),
  );
});
