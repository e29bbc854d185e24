/** npm run lint: one check a line, the total last. `--fix` (npm run format) mends what can be mended. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { unusedDependencies } from './lint/dependencies.mjs';
import { includeProblems } from './lint/includes.mjs';
import { layoutFaults } from './lint/layout.mjs';
import { ensurePackages } from './packages.mjs';
import { filesBelow, main, once, PYTHON, quietly, ROOT, title } from './step.mjs';

const require = createRequire(import.meta.url);
/** Formatters that come as Python wheels: the same version for everyone. */
const PYTHON_TOOLS = ['ruff==0.17.6', 'clang-format==20.1.8'];

await main(async () => {
  const fix = process.argv.includes('--fix');
  await ensurePackages();
  const tools = await pythonTools();
  const lib = filesBelow(ROOT, 'lib', /\.tsx?$/);
  /** Each gives what it has against the sources, a line each. */
  const checks = {
    biome: () => run(process.execPath, [require.resolve('@biomejs/biome/bin/biome'), 'check', ...(fix ? ['--write'] : [])]),
    typescript: () => run(process.execPath, [require.resolve('typescript/bin/tsc'), '--noEmit']),
    'typescript of the page': () =>
      run(process.execPath, [require.resolve('typescript/bin/tsc'), '--noEmit', '-p', path.join('lib', 'web')]),
    'clang-format': () =>
      run(path.join(tools, 'clang-format'), [
        ...(fix ? ['-i'] : ['--dry-run', '-Werror']),
        ...filesBelow(ROOT, 'native', /\.(h|cc|cu|cuh)$/),
      ]),
    'ruff check': () => run(path.join(tools, 'ruff'), ['check', ...(fix ? ['--fix'] : [])]),
    'ruff format': () => run(path.join(tools, 'ruff'), ['format', ...(fix ? [] : ['--check'])]),
    'the addon is known to lib/native alone': () =>
      lib
        .filter((file) => !file.startsWith(path.join('lib', 'native') + path.sep))
        .filter((file) => /\.node['"`]|process\.dlopen|node-gyp-build/.test(readFileSync(path.join(ROOT, file), 'utf8'))),
    'imports of lib follow the arrows': () => layoutFaults(ROOT),
    'native includes follow the arrows': () => includeProblems(ROOT),
    'docs/models.md lists the catalog': () => run(process.execPath, [path.join(ROOT, 'scripts', 'model-table.mjs'), '--check']),
    'every dependency is used': () => {
      const others = ['test', 'bench', 'scripts'].flatMap((folder) => filesBelow(ROOT, folder, /\.(ts|mjs|cjs|cts)$/));
      const unused = unusedDependencies(ROOT, { shipped: lib, others: [...others, 'jest.config.cjs'] });
      return unused.map((name) => `package.json: nothing imports ${name}`);
    },
  };
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    const faults = await check();
    for (const fault of faults) console.log(fault);
    console.log(`${faults.length === 0 ? '✓' : '✗'} ${name}`);
    if (faults.length > 0) failed += 1;
  }
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
});

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return [];
  return [error?.message, stdout, stderr].filter(Boolean).join('\n').split('\n').slice(0, 200);
}

/** The folder with the tools' programs, in an environment of their own in the clone's build folder. */
async function pythonTools() {
  const programs = path.join('build', 'lint', 'bin');
  const outputs = [path.join(programs, 'ruff'), path.join(programs, 'clang-format')];
  await once('lint-tools', { input: PYTHON_TOOLS.join(), outputs }, async () => {
    title(`Installing ${PYTHON_TOOLS.join(', ')}`);
    const fail = 'The formatters could not be installed: Python 3 with venv and pip and a reachable package index are needed.';
    await quietly('venv', PYTHON, ['-m', 'venv', '--clear', path.join('build', 'lint')], { fail });
    const python = path.join(ROOT, programs, 'python');
    await quietly('pip', python, ['-m', 'pip', 'install', '--only-binary', ':all:', ...PYTHON_TOOLS], { fail });
  });
  return path.join(ROOT, programs);
}
