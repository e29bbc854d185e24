/** What loading the addon says where it was not built, or cannot be opened: in a copy of the package, in its own process. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { remedy } from '../../lib/native/load';

const ROOT = path.join(__dirname, '..', '..');
const LOAD = `require('./dist/native/load').loadNative().catch(({ name, code, message }) => console.log(JSON.stringify({ name, code, message })));`;

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

describe('the process that loads it', () => {
  const open = `await require('./dist/native/load').loadNative();`;
  const show = `console.log(require('node:child_process').execFileSync('env', { encoding: 'utf8' })); console.log(JSON.stringify(process.env));`;
  const environment = { ...process.env, OMP_DISPLAY_ENV: 'VERBOSE' };

  const load = (script: string, env: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, ['-e', `(async () => { ${script} })();`], { env, cwd: path.join(__dirname, '..', '..') });

  test('has the environment that it had, and so have its children; libgomp spins for a short time', async () => {
    const before = await load(show, environment);
    const after = await load(
      `process.env.A = 1; ${open} process.env.B = 2; delete process.env.A; delete process.env.B; ${show}`,
      environment,
    );
    expect(after.stdout).toBe(before.stdout);
    // Only libgomp itself can say what it has read; on other systems OpenMP is another library's.
    if (process.platform === 'linux') expect(after.stderr).toMatch(/GOMP_SPINCOUNT = '5000'/);
  });

  test.each([{ GOMP_SPINCOUNT: '77' }, { OMP_WAIT_POLICY: 'ACTIVE' }])('keeps what its user set: %p', async (own) => {
    const { stdout, stderr } = await load(`${open} ${show}`, { ...environment, ...own });
    expect(stdout).toContain(Object.entries(own)[0]?.join('='));
    expect(stderr).not.toMatch(/GOMP_SPINCOUNT = '5000'/);
  });

  test('goes on while libtorch is loaded, and its children inherit nothing meanwhile', async () => {
    const script = `
      let turns = 0;
      const seen = new Set();
      const count = () => { turns += 1; seen.add(process.env.GOMP_SPINCOUNT); timer = setTimeout(count, 1); };
      let timer = setTimeout(count, 1);
      const { loadNative } = require('./dist/native/load');
      const [first, second] = await Promise.all([loadNative(), loadNative()]);
      clearTimeout(timer);
      console.log(JSON.stringify([turns, [...seen], first === second]));`;
    const [turns, seen, same] = JSON.parse((await load(script, process.env)).stdout);
    expect(turns).toBeGreaterThan(5);
    expect([seen, same]).toEqual([[null], true]);
  });

  test.each([0, 20, 100, 300])('may end %i ms after loading began, and so may a worker thread', async (delay) => {
    const begin = `require('./dist/native/load').loadNative().catch(() => {});`;
    const wait = `await new Promise((resolve) => setTimeout(resolve, ${delay}));`;
    await expect(load(`${begin} ${wait} process.exit(7);`, process.env)).rejects.toMatchObject({ code: 7, signal: null, stderr: '' });
    const worker = `new (require('node:worker_threads').Worker)(${JSON.stringify(begin)}, { eval: true })`;
    const ended = await load(`const worker = ${worker}; ${wait} await worker.terminate(); ${open} console.log('loaded');`, process.env);
    expect(ended).toEqual({ stdout: 'loaded\n', stderr: '' });
  });

  test('is asked for no report, which looks up the names of its connections', async () => {
    const script = `
      const before = JSON.stringify(process.report);
      process.report.getReport = () => { throw new Error('a report'); };
      for (const name of ['lookup', 'lookupService', 'reverse']) require('node:dns')[name] = () => { throw new Error(name); };
      await require('./dist/native/load').loadNative();
      delete process.report.getReport;
      console.log(JSON.stringify(process.report) === before);`;
    expect((await load(script, process.env)).stdout).toBe('true\n');
  });
});

test.each<[string | undefined, NodeJS.Platform, RegExp]>([
  [undefined, 'linux', /apt-get install g\+\+ cmake.*npm run setup/],
  [undefined, 'darwin', /xcode-select --install.*npm run setup/],
  [undefined, 'win32', /WSL 2/],
  [undefined, 'freebsd', /no build for freebsd/],
  ["/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by interrogator.node)", 'linux', /Debian 12/],
  ["libstdc++.so.6: version `GLIBCXX_3.4.32' not found", 'linux', /older than/],
  ['libcupti.so.13: cannot open shared object file: No such file or directory', 'linux', /is missing: install the one that is named/],
  ['interrogator.node: invalid ELF header', 'linux', /damaged or built for another processor/],
  ['interrogator.node: file too short', 'linux', /damaged/],
  ['interrogator.node: undefined symbol: _ZN3c10', 'linux', /do not belong together/],
  ["dlopen(a.node): mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64')", 'darwin', /another processor/],
])('of "%s" on %s the remedy is said', (reason, platform, expected) => {
  expect(remedy(reason, { platform, musl: false })).toMatch(expected);
  expect(remedy(reason, { platform, musl: true })).toMatch(/glibc, such as Debian/);
});
