/** npm run setup: packages, TypeScript, libtorch, core and addon. Does what is not done yet, so that running it again costs nothing. */
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './native-build.mjs';
import { ensurePackages } from './packages.mjs';
import { fingerprint, main, once, quietly, ROOT, title } from './step.mjs';

const require = createRequire(import.meta.url);

/** Everything that running the package in this clone needs. Resolves with the libtorch that was found. */
export async function setUp({ cuda = false } = {}) {
  await ensurePackages();
  await compileTypeScript();
  const libtorch = await provideLibtorch({ cuda });
  await buildNative({ libtorch: libtorch.path });
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

export async function provideLibtorch({ cuda = false } = {}) {
  const { ensureLibtorch, findLibtorch } = require(path.join(ROOT, 'dist', 'libtorch'));
  if (!findLibtorch({ cuda })) title('Fetching libtorch (once)');
  return ensureLibtorch({ cuda });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const libtorch = await setUp({ cuda: process.argv.includes('--cuda') });
    console.log(`libtorch ${libtorch.build}: ${libtorch.path}`);
  });
}
