import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ERROR_CODES } from '../lib';
import { SERVER_CODES } from '../lib/server/answers/refusal';

test('docs/errors.md explains every code, and no other', () => {
  const text = readFileSync(path.join(__dirname, '..', 'docs', 'errors.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `(ERR_\w+)`/gm)].map(([, code]) => code);
  expect([...documented].sort()).toEqual([...ERROR_CODES, ...SERVER_CODES].sort());
});
