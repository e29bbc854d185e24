/** What loading the addon says where it was not built, or cannot be opened: in a copy of the package, in its own process. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.join(__dirname, '..', '..');
const LOAD = `try { require('./dist/native/load').loadNative(); } catch ({ name, code, message }) { console.log(JSON.stringify({ name, code, message })); }`;

let copy: string;

beforeEach(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'loading-'));
  cpSync(path.join(ROOT, 'dist'), path.join(copy, 'dist'), { recursive: true });
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'), 'junction');
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

async function failure(): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', LOAD], { cwd: copy });
  return JSON.parse(stdout);
}

test('an addon that was not built is ERR_ADDON_NOT_FOUND, with every place and what to do', async () => {
  expect(await failure()).toMatchObject({
    name: 'InterrogatorError',
    code: 'ERR_ADDON_NOT_FOUND',
    message: expect.stringMatching(/build.cmake.Release: no such folder.*prebuilds.*npm run setup/s),
  });
});

test('an addon that cannot be opened is ERR_ADDON_LOAD, with the reason of each attempt', async () => {
  const folder = path.join(copy, 'build', 'cmake', 'Release');
  mkdirSync(folder, { recursive: true });
  for (const name of ['interrogator.node', 'interrogator_loader.node']) writeFileSync(path.join(folder, name), 'not a library');
  expect(await failure()).toMatchObject({
    name: 'InterrogatorError',
    code: 'ERR_ADDON_LOAD',
    message: expect.stringMatching(/interrogator\.node: .+build.Release: no such folder/s),
  });
});
