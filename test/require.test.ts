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

test('children of a process that has decoded an image inherit what it had itself', () => {
  const program = `
    const { execFileSync } = require('node:child_process');
    const { decodeImage, closeDecodeThreads } = require('./dist/image');
    const inherited = () => execFileSync('/usr/bin/env', { encoding: 'utf8' });
    const before = inherited();
    decodeImage('models/sample/images/apple.png').then(async (image) => {
      image.release();
      await closeDecodeThreads();
      console.log(JSON.stringify([before, inherited()]));
    });`;
  const [before, after] = JSON.parse(execFileSync(process.execPath, ['-e', program], { cwd: REPOSITORY, encoding: 'utf8' }));
  expect(after).toBe(before);
});
