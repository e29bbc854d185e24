/** torch-interrogator inspect: tables, JSON, a page, and what is wrong with a command line. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Inspection, runFolder } from '../../lib';
import { runHere } from './command';

const SAMPLES = path.join(__dirname, '..', '..', 'models', 'sample', 'images');

let work: string;
let set: string;
beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'inspect-'));
  set = mkdtempSync(path.join(work, 'set-'));
  for (const name of ['apple', 'rocket']) copyFileSync(path.join(SAMPLES, `${name}.png`), path.join(set, `${name}.png`));
  copyFileSync(path.join(set, 'apple.png'), path.join(set, 'apple copy.png'));
  writeFileSync(path.join(set, 'apple.txt'), 'an apple');
  const config = { clipModelName: 'sample', captionModelName: null, device: 'cpu', cachePath: null, quiet: true };
  await runFolder(set, { config, task: { kind: 'features' } }).finish();
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const inspect = (...args: string[]) => runHere(['inspect', set, '--device', 'cpu', '--no-cache', ...args]);

test('explains itself', async () => {
  const { code, stdout } = await runHere(['inspect', '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: torch-interrogator inspect \[options\] <dir>/);
  expect(stdout).toContain('--duplicate-threshold');
  expect(stdout).not.toContain('--caption-max-length');
});

test('prints tables, with the model that made the features', async () => {
  const { code, stdout, stderr } = await inspect();
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toContain('Features of sample.');
  expect(stdout).toMatch(/^Duplicates\n.*1 picture could go\.\n.*\n +2 +apple copy\.png · apple\.png$/m);
  expect(stdout).toMatch(/an apple$/m);
});

test('--json prints the inspection, and --report writes a page', async () => {
  const page = path.join(work, 'page.html');
  const { code, stdout } = await inspect(
    '--json',
    '--clip',
    'sample',
    '--duplicate-threshold',
    '0.9',
    '--sidecar',
    'caption',
    '--report',
    page,
  );
  expect(code).toBe(0);
  const inspection = JSON.parse(stdout) as Inspection;
  expect(inspection).toMatchObject({
    folder: set,
    pictures: { inspected: 3, contents: 2 },
    nearDuplicates: { threshold: 0.9 },
    captions: { extension: '.caption', scored: 0, missing: 3 },
  });
  expect(readFileSync(page, 'utf8')).toContain('apple copy.png');
});

test.each([
  ['a folder without features', [__dirname]],
  ['a folder that is not there', ['nowhere']],
  ['no folder', []],
  ['a threshold beyond 1', ['x', '--duplicate-threshold', '2']],
  ['no lines', ['x', '--top', '0']],
  ['a suffix with a folder', ['x', '--sidecar', '../txt']],
])('%s is a usage error: exit 2, one explanation, no stack', async (_, args) => {
  const { code, stdout, stderr } = await runHere(['inspect', ...args]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/error: /);
  expect(stderr).not.toMatch(/^ +at /m);
});
