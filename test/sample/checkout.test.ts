/** A checkout that git was told to give carriage returns holds the bytes that were committed. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(path.join(tmpdir(), 'checkout-'));
  execFileSync('git', ['-c', 'core.autocrlf=true', 'clone', '--quiet', '--config', 'core.autocrlf=true', ROOT, clone]);
});

afterAll(() => rmSync(clone, { recursive: true, force: true }));

test.each(['clip', 'caption'])("every file of the sample's %s bundle has the hash in its manifest", (kind) => {
  const bundle = path.join(clone, 'models', 'sample', kind);
  const { files } = JSON.parse(readFileSync(path.join(bundle, 'manifest.json'), 'utf8')) as { files: Record<string, { sha256: string }> };
  const found = Object.keys(files).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(path.join(bundle, name)))
      .digest('hex'),
  ]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.entries(files).map(([name, { sha256 }]) => [name, sha256])));
});

test('no text file has a carriage return', () => {
  const files = execFileSync('git', ['ls-files', '--eol'], { cwd: clone, encoding: 'utf8' }).split('\n');
  expect(files.filter((line) => /\bw\/(crlf|mixed)\b/.test(line))).toEqual([]);
});
