/**
 * npm test: sets up (the exporter's Python environment too), then runs ctest and pytest, then jest.
 * `npm test -- --only jest,ctest,pytest` runs some; what follows another `--` goes to jest. The last line is the total.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { clientsPython } from './clients-python.mjs';
import { debianPackages } from './debian-packages.mjs';
import { EXPORTER, exporterPython } from './exporter-python.mjs';
import { CMAKE_BUILD } from './native-build.mjs';
import { objectStorePython } from './object-store-python.mjs';
import { readersPython } from './readers-python.mjs';
import { setUp } from './setup.mjs';
import { BUILD, filesBelow, main, ROOT, StepError, show, title } from './step.mjs';

const REPORTS = path.join(BUILD, 'reports');
/** Each in a process of its own: both have a conftest. */
const PYTHON_TESTS = { exporter: EXPORTER, recipe: path.join(ROOT, 'models', 'sample', 'train') };
const SIDES = ['ctest', 'jest', 'pytest'];

const RUNNERS = {
  async ctest({ env }) {
    const folder = path.join(REPORTS, 'gtest');
    // ctest counts programs; GoogleTest's own reports count tests.
    const options = ['--test-dir', CMAKE_BUILD, '--output-on-failure', '--no-tests=error', '--build-config', 'Release'];
    const code = await show('ctest', options, { env: { ...env, GTEST_OUTPUT: `xml:${folder}/`, GTEST_BRIEF: '1' } });
    return settle(countJunit(folder), code);
  },
  async jest({ env, jestArgs }) {
    const report = path.join(REPORTS, 'jest.json');
    const program = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
    // Packages that are ES modules only are reached by import(), which jest allows behind this flag.
    const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--expose-gc'];
    const options = ['--json', `--outputFile=${report}`, '--testLocationInResults=false', ...jestArgs];
    const code = await show(process.execPath, [...node, program, ...options], { env });
    const result = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
    const { numPassedTests = 0, numFailedTests = 0, numRuntimeErrorTestSuites = 0, numPendingTests = 0 } = result;
    return settle({ passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests }, code);
  },
  async pytest({ env, python }) {
    const counts = [];
    for (const [name, cwd] of Object.entries(PYTHON_TESTS)) {
      const report = path.join(REPORTS, `pytest-${name}.xml`);
      const output = [];
      // ctest runs at the same time: in one piece, at the end.
      const options = ['-m', 'pytest', '-q', `--junitxml=${report}`, 'tests'];
      const code = await show(python, options, { env, cwd, onOutput: (part) => output.push(part) });
      process.stdout.write(Buffer.concat(output));
      counts.push(settle(countJunit(report), code));
    }
    return sum(counts);
  },
};

/** What JUnit's reports in a folder, or one, say of their suites. */
function countJunit(reports) {
  const sums = { tests: 0, failures: 0, errors: 0, skipped: 0, disabled: 0 };
  for (const report of filesBelow('', reports)) {
    for (const [suite] of readFileSync(report, 'utf8').matchAll(/<testsuite [^>]*>/g)) {
      for (const name of Object.keys(sums)) sums[name] += Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    }
  }
  const [failed, skipped] = [sums.failures + sums.errors, sums.skipped + sums.disabled];
  return { passed: sums.tests - failed - skipped, failed, skipped };
}

function sum(counts) {
  const total = (kind) => counts.reduce((so, count) => so + count[kind], 0);
  return { passed: total('passed'), failed: total('failed'), skipped: total('skipped') };
}

/** A runner that ended badly without naming a failed test (a crash, no tests found) counts as one. */
function settle(count, code) {
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

await main(async () => {
  const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
  const sides = values.only?.split(',') ?? SIDES;
  const unknown = sides.find((side) => !SIDES.includes(side));
  if (unknown) throw new StepError(`--only takes ${SIDES.join(', ')}, not ${unknown}.`);

  // What the one downloads, the other compiles meanwhile.
  const failed = new AbortController();
  const [{ python, readers, clients, objectStore }, libtorch] = await Promise.all([
    (async () => ({
      python: await exporterPython({ signal: failed.signal }),
      ...(sides.includes('jest') && {
        packages: await debianPackages(),
        readers: await readersPython(),
        clients: await clientsPython(),
        objectStore: await objectStorePython(),
      }),
    }))(),
    setUp({ tests: sides.includes('ctest') }).catch((error) => {
      failed.abort();
      throw error;
    }),
  ]);

  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  // Every process of the tests takes the same libtorch and the same Python.
  const env = {
    LIBTORCH: libtorch.path,
    INTERROGATOR_PYTHON: python,
    ...(readers && { READERS_PYTHON: readers, CLIENTS_PYTHON: clients, OBJECT_STORE_PYTHON: objectStore }),
  };
  const counts = [];
  const results = [];
  const run = async (side) => {
    if (!sides.includes(side)) return;
    title(side);
    const began = performance.now();
    const count = await RUNNERS[side]({ env, python, jestArgs: positionals });
    counts.push(count);
    const skipped = count.skipped ? `, ${count.skipped} skipped` : '';
    const seconds = Math.round((performance.now() - began) / 1000);
    results.push(`${side}: ${count.passed} passed, ${count.failed} failed${skipped}, in ${seconds} s`);
  };
  // The first two have a thread for most of the time; jest has a process a core.
  await Promise.all([run('ctest'), run('pytest')]);
  await run('jest');
  const total = sum(counts);
  console.log([...results, `${total.passed} passed, ${total.failed} failed`].join('\n'));
  return total.failed > 0 ? 1 : 0;
});
