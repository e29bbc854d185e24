/** What a shell would have made of an argument that it passed on: braces and, in its last part, globs. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { shownPath } from '../shown-path';
import { compileGlob } from './filters';
import { naturalKey, sortNatural } from './natural-order';

const MOST_NAMES = 1_000_000;

/** The paths that `shards/a-{000..099}.tar` stands for, as in bash. A path without braces stands for itself. */
export function expandBraces(pattern: string): string[] {
  if (!/\{.*\}/.test(pattern)) return [pattern];
  const { expand } = require('brace-expansion') as typeof import('brace-expansion');
  return expand(pattern, { max: MOST_NAMES });
}

/** Whether a path may be a glob. */
export function isGlob(pattern: string): boolean {
  return /[*?[(]/.test(path.basename(pattern));
}

/**
 * The paths of files that fit a glob in the path's last part, in natural order, without what is hidden. Empty where the folder cannot be
 * read. Rejects with ERR_INVALID_ARGUMENT for what is no glob.
 */
export async function expandGlob(pattern: string): Promise<Buffer[]> {
  const folder = path.dirname(pattern);
  const fits = compileGlob(path.basename(pattern), 'input');
  // A byte in each character: names need not be UTF-8.
  const names = (await readdir(folder, 'latin1').catch(() => [])).filter((name) => !name.startsWith('.') && fits(shownName(name)));
  const sorted = await sortNatural(names.map((name) => ({ name, key: naturalKey(name) })));
  // As the argument has it: a folder that it does not name is not named in front either.
  const start = Buffer.from(pattern.slice(0, pattern.lastIndexOf('/') + 1));
  return sorted.map(({ name }) => Buffer.concat([start, Buffer.from(name, 'latin1')]));
}

function shownName(name: string): string {
  return shownPath(Buffer.from(name, 'latin1'));
}
