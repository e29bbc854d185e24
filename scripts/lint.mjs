/** npm run lint: one check a line, the total last. `--fix` (npm run format) mends what can be mended. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { unusedDependencies } from './lint/dependencies.mjs';
import { includeProblems } from './lint/includes.mjs';
import { layoutFaults } from './lint/layout.mjs';
import { ensurePackages } from './packages.mjs';
import { main, PYTHON, quietly, ROOT, title } from './step.mjs';

const require = createRequire(import.meta.url);
/** Formatters that come as Python wheels: the same version for everyone. */
const PYTHON_TOOLS = ['ruff==0.17.6', 'clang-format==20.1.8'];
const PYTHON_FOLDERS = ['models', 'lib', 'native', 'test', 'bench'];

await main(async () => {
  const fix = process.argv.includes('--fix');
  await ensurePackages();
  const tools = await pythonTools();
  const sources = filesBelow('native', /\.(h|cc|cu|cuh)$/);
  const checks = {
    biome: () => run(process.execPath, [require.resolve('@biomejs/biome/bin/biome'), 'check', ...(fix ? ['--write'] : [])]),
    typescript: () => run(process.execPath, [require.resolve('typescript/bin/tsc'), '--noEmit']),
    'clang-format': () =>
      sources.length === 0 || run(path.join(tools, 'clang-format'), [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...sources]),
    'ruff check': () => run(path.join(tools, 'ruff'), ['check', ...(fix ? ['--fix'] : []), ...PYTHON_FOLDERS]),
    'ruff format': () => run(path.join(tools, 'ruff'), ['format', ...(fix ? [] : ['--check']), ...PYTHON_FOLDERS]),
    'the addon is known to lib/native alone': () =>
      refuse(
        /\.node['"`]|process\.dlopen|node-gyp-build/,
        filesBelow('lib', /\.ts$/).filter((file) => !file.startsWith(path.join('lib', 'native') + path.sep)),
      ),
    'imports of lib follow the arrows': async () => {
      const faults = await layoutFaults(ROOT);
      for (const fault of faults) console.log(fault);
      return faults.length === 0;
    },
    'native includes follow the arrows': () => {
      const problems = includeProblems(ROOT);
      for (const problem of problems) console.log(problem);
      return problems.length === 0;
    },
    'every dependency is used': () => {
      const others = ['test', 'bench', 'scripts'].flatMap((folder) => filesBelow(folder, /\.(ts|mjs|cjs|cts)$/));
      const unused = unusedDependencies(ROOT, { shipped: filesBelow('lib', /\.ts$/), others: [...others, 'jest.config.cjs'] });
      for (const name of unused) console.log(`package.json: nothing imports ${name}`);
      return unused.length === 0;
    },
  };
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    const passed = await check();
    console.log(`${passed ? '✓' : '✗'} ${name}`);
    if (!passed) failed.push(name);
  }
  console.log(`${Object.keys(checks).length - failed.length} passed, ${failed.length} failed`);
  return failed.length > 0 ? 1 : 0;
});

function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status === 0) return true;
  console.log([error?.message, stdout, stderr].filter(Boolean).join('\n').split('\n').slice(0, 200).join('\n'));
  return false;
}

function refuse(pattern, files) {
  const found = files.filter((file) => pattern.test(readFileSync(path.join(ROOT, file), 'utf8')));
  for (const file of found) console.log(`${file}: ${pattern}`);
  return found.length === 0;
}

function filesBelow(folder, pattern) {
  const whole = path.join(ROOT, folder);
  if (!existsSync(whole)) return [];
  return readdirSync(whole, { recursive: true })
    .filter((name) => pattern.test(name))
    .map((name) => path.join(folder, name))
    .sort();
}

/** The folder with the tools' programs, in an environment of their own in the clone's build folder. */
async function pythonTools() {
  const name = createHash('sha256').update(PYTHON_TOOLS.join()).digest('hex').slice(0, 12);
  const folder = path.join(ROOT, 'build', `lint-${name}`);
  const programs = path.join(folder, 'bin');
  const stamp = path.join(folder, '.complete');
  if (existsSync(stamp)) return programs;
  title(`Installing ${PYTHON_TOOLS.join(', ')}`);
  rmSync(folder, { recursive: true, force: true });
  const fail = 'The formatters could not be installed: Python 3 with venv and pip and a reachable package index are needed.';
  await quietly('venv', PYTHON, ['-m', 'venv', folder], { fail });
  await quietly('pip', path.join(programs, 'python'), ['-m', 'pip', 'install', '--only-binary', ':all:', ...PYTHON_TOOLS], { fail });
  writeFileSync(stamp, '');
  return programs;
}
