/** libtorch fetched whole, from a package index of our own on this machine, by real processes. */
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pythonCommand } from '../../lib/setup/libtorch/locate';
import { requirements } from '../../lib/setup/libtorch/wheels';

const SUPPORT = path.join(__dirname, '..', 'support');
let folder: string;
let index: Server;
let downloads: string[];
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'libtorch-fetch-'));
  const wheels = path.join(folder, 'wheels');
  mkdirSync(wheels);
  execFileSync(pythonCommand(), [path.join(SUPPORT, 'make_wheels.py'), wheels, ...requirements('cpu')]);
  downloads = [];
  index = createServer((request, response) => {
    const [, page, name = ''] = (request.url ?? '').split('/');
    const files = readdirSync(wheels).filter((file) => file.startsWith(`${name.replaceAll('-', '_')}-`));
    if (page === 'simple') {
      const links = files.map((file) => `<a href="/files/${file}#sha256=${sha256(path.join(wheels, file))}">${file}</a>`);
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><html><body>${links.join('')}</body></html>`);
      return;
    }
    downloads.push(name);
    response.writeHead(200).end(readFileSync(path.join(wheels, name)));
  });
  await new Promise<void>((resolve) => index.listen(0, '127.0.0.1', resolve));
  env = {
    ...process.env,
    LIBTORCH: '',
    LIBTORCH_USE_PYTORCH: '',
    TORCH_INTERROGATOR_CACHE: path.join(folder, 'cache'),
    PIP_INDEX_URL: `http://127.0.0.1:${(index.address() as AddressInfo).port}/simple`,
    NO_PROXY: '127.0.0.1',
  };
});

afterEach(async () => {
  index.closeAllConnections();
  await new Promise((resolve) => index.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

const fetchInProcess = (): Promise<{ stdout: string }> =>
  promisify(execFile)(process.execPath, [path.join(SUPPORT, 'fetch-process.cjs')], { env });

test('two processes at once fetch each wheel once and both find what was fetched', async () => {
  const [first, second] = await Promise.all([fetchInProcess(), fetchInProcess()]);
  const root = path.join(folder, 'cache', 'libtorch-2.11.0-cpu', 'torch');
  expect([first.stdout, second.stdout]).toEqual([root, root]);
  expect(downloads).toHaveLength(requirements('cpu').length);
  expect(existsSync(path.join(root, '__init__.py'))).toBe(false);
  const left = readdirSync(path.join(folder, 'cache')).filter((name) => /lock|unpacking/.test(name));
  expect([...left, ...readdirSync(path.join(folder, 'cache', 'downloads'))]).toEqual([]);
});

test('an index that cannot be reached is a typed error', async () => {
  env = { ...env, PIP_INDEX_URL: 'http://127.0.0.1:1/simple', PIP_RETRIES: '0' };
  await expect(fetchInProcess()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_NETWORK') });
});

test('a Python that is not there is named', async () => {
  env = { ...env, PYTHON: path.join(folder, 'no-python') };
  await expect(fetchInProcess()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('no-python was not found') });
});

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
