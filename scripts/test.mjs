/**
 * npm test: sets up (the exporter's Python environment too), then runs ctest and pytest, then jest.
 * `npm test -- --only jest,ctest,pytest` runs some; what follows another `--` goes to jest. The last line is the total.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { EXPORTER, exporterPython } from './exporter-python.mjs';
import { CMAKE_BUILD } from './native-build.mjs';
import { setUp } from './setup.mjs';
import { BUILD, main, ROOT, StepError, show, title } from './step.mjs';

const REPORTS = path.join(BUILD, 'reports');
/** Each in a process of its own: both have a conftest. */
const PYTHON_TESTS = { exporter: EXPORTER, recipe: path.join(ROOT, 'models', 'sample', 'train') };
const SIDES = ['ctest', 'jest', 'pytest'];

const RUNNERS = {
  async ctest({ env }) {
    const folder = path.join(REPORTS, 'gtest');
    // ctest counts programs; GoogleTest's own reports count tests.
    const code = await show('ctest', ['--test-dir', CMAKE_BUILD, '--output-on-failure', '--no-tests=error', '--build-config', 'Release'], {
      env: { ...env, GTEST_OUTPUT: `json:${folder}/`, GTEST_BRIEF: '1' },
    });
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const report of read(folder)) {
      const cases = report.testsuites.flatMap(({ testsuite }) => testsuite);
      for (const { result, failures } of cases) {
        if (failures) count.failed += 1;
        else if (result === 'COMPLETED') count.passed += 1;
        else count.skipped += 1;
      }
    }
    return settle(count, code);
  },
  async jest({ env, jestArgs }) {
    const report = path.join(REPORTS, 'jest.json');
    // Packages that are ES modules only are reached by import(), which jest allows behind this flag.
    const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--expose-gc'];
    const code = await show(
      process.execPath,
      [
        ...node,
        path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'),
        '--json',
        `--outputFile=${report}`,
        '--testLocationInResults=false',
        ...jestArgs,
      ],
      {
        env,
      },
    );
    const [result] = read(report);
    if (!result) return settle({ passed: 0, failed: 0, skipped: 0 }, code);
    const count = {
      passed: result.numPassedTests,
      failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
      skipped: result.numPendingTests,
    };
    return settle(count, code);
  },
  async pytest({ env, python }) {
    const counts = [];
    for (const [name, cwd] of Object.entries(PYTHON_TESTS)) {
      const report = path.join(REPORTS, `pytest-${name}.xml`);
      const code = await show(python, ['-m', 'pytest', '-q', `--junitxml=${report}`, 'tests'], { env, cwd, atEnd: true });
      const suite = /<testsuite [^>]*>/.exec(readText(report))?.[0] ?? '';
      const number = (attribute) => Number(new RegExp(` ${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0);
      const [failed, skipped] = [number('failures') + number('errors'), number('skipped')];
      counts.push(settle({ passed: number('tests') - failed - skipped, failed, skipped }, code));
    }
    const sum = (kind) => counts.reduce((total, count) => total + count[kind], 0);
    return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  },
};

/** A runner that ended badly without naming a failed test (a crash, no tests found) counts as one. */
function settle(count, code) {
  return code !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

function read(file) {
  try {
    return readdirSync(file).map((name) => JSON.parse(readFileSync(path.join(file, name), 'utf8')));
  } catch {
    const text = readText(file);
    return text ? [JSON.parse(text)] : [];
  }
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

await main(async () => {
  const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
  const sides = values.only?.split(',') ?? SIDES;
  const unknown = sides.find((side) => !SIDES.includes(side));
  if (unknown) throw new StepError(`--only takes ${SIDES.join(', ')}, not ${unknown}.`);

  // What the one downloads, the other compiles meanwhile.
  const failed = new AbortController();
  const stop = (error) => {
    failed.abort();
    throw error;
  };
  const [python, libtorch] = await Promise.all([
    exporterPython({ signal: failed.signal }),
    setUp({ tests: sides.includes('ctest') }).catch(stop),
  ]);

  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  // Every process of the tests takes the same libtorch and the same Python.
  const env = { LIBTORCH: libtorch.path, INTERROGATOR_PYTHON: python };
  const counts = {};
  const run = async (side) => {
    if (!sides.includes(side)) return;
    title(side);
    const began = performance.now();
    counts[side] = await RUNNERS[side]({ env, python, jestArgs: positionals });
    counts[side].seconds = Math.round((performance.now() - began) / 1000);
  };
  // The first two have a thread for most of the time; jest has a process a core.
  await Promise.all([run('ctest'), run('pytest')]);
  await run('jest');
  const total = { passed: 0, failed: 0 };
  for (const [side, { passed, failed, skipped, seconds }] of Object.entries(counts)) {
    console.log(`${side}: ${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}, in ${seconds} s`);
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed > 0 ? 1 : 0;
});
