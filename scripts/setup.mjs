/** npm run setup: packages, TypeScript, libtorch, core and addon. Does what is not done yet, so that running it again costs nothing. */
import { chmodSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './native-build.mjs';
import { provideNvcc } from './nvcc.mjs';
import { ensurePackages } from './packages.mjs';
import { fingerprint, main, once, quietly, ROOT, title } from './step.mjs';

const require = createRequire(import.meta.url);

/**
 * Everything that running the package in this clone needs; with `tests` the native tests too. Resolves with the libtorch that was found.
 */
export async function setUp({ cuda = false, tests = false } = {}) {
  await ensurePackages();
  await compileTypeScript();
  await buildPage();
  linkCommand();
  const libtorch = await provideLibtorch({ cuda });
  await buildNative({ libtorch: libtorch.path, tests, nvcc: tests ? await provideNvcc() : null });
  return libtorch;
}

export async function compileTypeScript() {
  const input = fingerprint(['lib', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']);
  await once('typescript', { input, outputs: ['dist/index.js', 'dist/cli/main.js'] }, async () => {
    title('Compiling TypeScript');
    rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
    await quietly('tsc', process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
      fail: 'TypeScript found errors.',
    });
  });
}

/** The page that the server serves. Compiling empties dist, so this comes after it. */
async function buildPage() {
  const input = fingerprint(['lib/web', 'lib/server/contract', 'scripts/web.mjs', 'package-lock.json']);
  await once('web', { input, outputs: ['dist/web/index.html'] }, async () => {
    title('Building the page');
    await quietly('web', process.execPath, [path.join('scripts', 'web.mjs')], { fail: 'The page could not be built.' });
  });
}

/**
 * `npx torch-interrogator` runs what is in node_modules/.bin. Without it npx installs the clone into a cache of its own,
 * and keeps that as it was, though it had nothing compiled then.
 */
function linkCommand() {
  const command = path.join(ROOT, 'dist', 'cli', 'main.js');
  const link = path.join(ROOT, 'node_modules', '.bin', 'torch-interrogator');
  chmodSync(command, 0o755);
  rmSync(link, { force: true });
  symlinkSync(path.relative(path.dirname(link), command), link);
}

export async function provideLibtorch({ cuda = false } = {}) {
  const { ensureLibtorch, findLibtorch } = require(path.join(ROOT, 'dist', 'setup', 'libtorch'));
  if (!findLibtorch({ cuda })) title('Fetching libtorch (once)');
  return ensureLibtorch({ cuda });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const libtorch = await setUp({ cuda: process.argv.includes('--cuda') });
    console.log(`libtorch ${libtorch.build}: ${libtorch.path}`);
  });
}
