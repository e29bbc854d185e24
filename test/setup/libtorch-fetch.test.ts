/** libtorch fetched whole, from a package index of our own on this machine, by real processes that find no Python. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { libraryName } from '../../lib/setup/libtorch/inspect';
import { libtorchWheels } from '../../lib/setup/libtorch/wheels';
import { makeWheel, PackageIndex } from '../support/package-index';

const SUPPORT = path.join(__dirname, '..', 'support');
const WHEELS = [
  makeWheel('torch', '2.11.0', {
    'torch/version.py': "__version__ = '2.11.0+cpu'\n",
    'torch/__init__.py': '',
    [`torch/lib/${libraryName('c10')}`]: new Uint8Array(1_000_000),
    [`torch/lib/${libraryName('torch_cpu')}`]: new Uint8Array(1_000_000),
    [`torch/lib/${libraryName('torch_cuda')}`]: new Uint8Array(1_000_000),
  }),
  makeWheel('nvidia-cuda-runtime', '13.0.96', { 'nvidia/cu13/lib/libcudart.so.13': 'library' }),
];

let folder: string;
let index: PackageIndex;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'libtorch-fetch-'));
  index = await PackageIndex.start(WHEELS);
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('PIP_'));
  env = {
    ...Object.fromEntries(others),
    LIBTORCH: '',
    LIBTORCH_USE_PYTORCH: '',
    PATH: '',
    TORCH_INTERROGATOR_CACHE: path.join(folder, 'cache'),
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: index.url,
    PIP_RETRIES: '0',
    NO_PROXY: '127.0.0.1',
    TEST_WHEELS: JSON.stringify(WHEELS.map(({ content, ...wheel }) => wheel)),
  };
});

afterEach(async () => {
  await index.stop();
  rmSync(folder, { recursive: true, force: true });
});

const fetchInProcess = (): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [path.join(SUPPORT, 'fetch-process.cjs')], { env });

for (const form of ['json', 'html'] as const) {
  test(`two processes at once fetch each wheel once and both find what was fetched (${form})`, async () => {
    index.form = form;
    const [first, second] = await Promise.all([fetchInProcess(), fetchInProcess()]);
    const root = path.join(folder, 'cache', 'libtorch-2.11.0-cpu', 'torch');
    expect([first.stdout, second.stdout]).toEqual([root, root]);
    expect(index.paths.filter((name) => name.startsWith('/files/'))).toEqual(WHEELS.map(({ file }) => `/files/${file}`));
    expect(existsSync(path.join(root, '__init__.py'))).toBe(false);
    expect(existsSync(path.join(root, 'lib', libraryName('torch_cuda')))).toBe(false);
    const left = readdirSync(path.join(folder, 'cache')).filter((name) => /lock|unpacking/.test(name));
    expect([...left, ...readdirSync(path.join(folder, 'cache', 'downloads'))]).toEqual([]);
  });
}

test('wheels in a folder need no network', async () => {
  for (const { file, content } of WHEELS) writeFileSync(path.join(folder, file), content);
  env = { ...env, PIP_NO_INDEX: '1', PIP_FIND_LINKS: folder };
  await fetchInProcess();
  expect(index.requests).toEqual([]);
});

test('an index that cannot be reached is a typed error', async () => {
  env = { ...env, PIP_INDEX_URL: 'http://127.0.0.1:1/simple' };
  await expect(fetchInProcess()).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^ERR_NETWORK [\s\S]*127\.0\.0\.1:1[\s\S]*LIBTORCH/),
  });
});

test('a file that is not what the index says leaves nothing behind', async () => {
  index.instead = (request, response) => Boolean(request.url?.startsWith('/files/') && response.writeHead(200).end('<html>Sign in</html>'));
  await expect(fetchInProcess()).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/^ERR_NETWORK .*SHA-256/) });
  expect(existsSync(path.join(folder, 'cache', 'libtorch-2.11.0-cpu'))).toBe(false);
  expect(readdirSync(path.join(folder, 'cache', 'downloads'))).toEqual([]);
});

describe('which wheels', () => {
  const on = (platform: NodeJS.Platform, arch: string, libc: string | null = null, libcVersion: string | null = null) => ({
    platform,
    arch,
    libc,
    libcVersion,
  });
  const linux = on('linux', 'x64', 'glibc', '2.28');

  test('each system has its own files of the same versions', () => {
    const files = libtorchWheels('cpu', linux).map(({ file }) => file);
    expect(files.every((file) => file.endsWith('_x86_64.whl'))).toBe(true);
    const others = libtorchWheels('cpu', on('linux', 'arm64', 'glibc', '2.41'));
    expect(others.map(({ name, version }) => [name, version])).toEqual(
      libtorchWheels('cpu', linux).map(({ name, version }) => [name, version]),
    );
    expect(others.every(({ file }) => file.endsWith('_aarch64.whl'))).toBe(true);
    expect(libtorchWheels('cpu', on('darwin', 'arm64')).map(({ file }) => file)).toEqual([expect.stringContaining('macosx')]);
  });

  test('every wheel is known by its hash', () => {
    for (const wheel of [...libtorchWheels('cuda', linux), ...libtorchWheels('cuda', on('linux', 'arm64', 'glibc', '2.28'))]) {
      expect(wheel).toMatchObject({ sha256: expect.stringMatching(/^[\da-f]{64}$/), file: expect.stringContaining(`-${wheel.version}-`) });
    }
  });

  test('CUDA cannot be fetched where there are no wheels for it', () => {
    expect(libtorchWheels('cuda', linux).length).toBeGreaterThan(libtorchWheels('cpu', linux).length);
    expect(() => libtorchWheels('cuda', on('darwin', 'arm64'))).toThrow(expect.objectContaining({ code: 'ERR_LIBTORCH_CUDA' }));
  });

  test.each([
    ['darwin-x64', on('darwin', 'x64')],
    ['linux-ia32', on('linux', 'ia32', 'glibc', '2.36')],
    ['musl', on('linux', 'x64', 'musl', '1.2.5')],
    ['glibc 2.27', on('linux', 'x64', 'glibc', '2.27')],
  ])('%s is told that there are none', (name, system) => {
    expect(() => libtorchWheels('cpu', system)).toThrow(
      expect.objectContaining({ code: 'ERR_LIBTORCH_NOT_FOUND', message: expect.stringContaining(name) }),
    );
  });
});
