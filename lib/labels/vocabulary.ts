/** Term lists: text files of one term a line. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { show } from '../arguments';
import { InterrogatorError } from '../errors';

/** What Python's str.strip() takes off: its white space, which is not JavaScript's. */
const PYTHON_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const LEADING_SPACE = new RegExp(`^[${PYTHON_SPACE}]+`);
const SPACE = new RegExp(`[${PYTHON_SPACE}]`);

/** Python's str.strip(). */
export function stripLikePython(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.test(text[end - 1] as string)) end -= 1;
  return text.slice(0, end).replace(LEADING_SPACE, '');
}

/**
 * The lines of a term list, stripped, empty and repeated ones kept. `loadList(file)` or `loadList(folder, fileName)`.
 * UTF-8; what is not becomes U+FFFD. Throws ERR_VOCABULARY_NOT_FOUND, ERR_IO.
 */
export async function loadList(file: string, fileName?: string): Promise<string[]> {
  for (const [name, value] of Object.entries({ file, fileName })) {
    if (typeof value === 'string' || (name === 'fileName' && value === undefined)) continue;
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: got ${show(value)}, expected a path.`);
  }
  const location = fileName === undefined ? file : path.join(file, fileName);
  let bytes: Buffer;
  try {
    bytes = await readFile(location);
  } catch (error) {
    throw unreadable(location, error);
  }
  return parseList(bytes);
}

/** @internal The lines in a term list's bytes. */
export function parseList(bytes: Uint8Array): string[] {
  // The reference reads plain UTF-8: a byte order mark stays part of the first term.
  const lines = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).split(/\r\n|\r|\n/);
  // A line end ends a line; it does not begin one more.
  if (lines.at(-1) === '') lines.pop();
  return lines.map(stripLikePython);
}

function unreadable(location: string, cause: unknown): InterrogatorError {
  const reason = (cause as NodeJS.ErrnoException).code;
  if (reason === 'ENOENT' || reason === 'ENOTDIR') {
    return new InterrogatorError('ERR_VOCABULARY_NOT_FOUND', `There is no term list at ${location}.`, {
      hint: 'Name a text file of one term a line. A folder of term lists holds artists, flavors, mediums, movements and negative, each .txt, and trendings.txt if it likes.',
      cause,
    });
  }
  return new InterrogatorError('ERR_IO', `Cannot read the term list ${location}: ${(cause as Error).message}`, { cause });
}
