/** What `require('torch-interrogator')` costs a process that does nothing else with it. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { REPOSITORY } from './support/python';

interface Found {
  replaced: string[];
  listeners: string[];
  packages: string[];
  modules: number;
  environment: string[];
}

const script = path.join(__dirname, 'support', 'guest-process.cjs');

test('it changes nothing in the process, and is light', () => {
  const found = JSON.parse(
    execFileSync(process.execPath, [script, path.join(REPOSITORY, 'lib', 'index.ts')], { encoding: 'utf8' }),
  ) as Found;
  expect(found).toMatchObject({ replaced: [], listeners: [], environment: [], packages: ['fastest-levenshtein'] });
  expect(found.modules).toBeLessThanOrEqual(60);
});
