/** docs/server.md names every field of the bodies of /v1, and no other. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CaptionBody, InterrogateBody } from '../../lib/server/contract/interrogate';
import { RankBody } from '../../lib/server/contract/rank';

const DOCS = readFileSync(path.join(__dirname, '..', '..', 'docs', 'server.md'), 'utf8');

test.each([
  ['/v1/interrogate', InterrogateBody],
  ['/v1/caption', CaptionBody],
  ['/v1/rank', RankBody],
])('those of %s', (route, { properties }) => {
  const row = DOCS.split('\n').find((line) => line.startsWith(`| \`${route}\` |`) && line.includes('`image`')) as string;
  // What stands in brackets are values.
  const named = [...row.replaceAll(/\([^)]*\)/g, '').matchAll(/`(\w+)`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(Object.keys(properties).sort());
});
