/** Term lists: text files of one term a line. */
import path from 'node:path';
import { show } from '../arguments';
import { InterrogatorError } from '../errors';
import { strip } from '../tokenizer/clean/python-text';
import { HINT, invalid, readText, type TextSource } from './text-file';

/** Of UTF-16 code units. A longer line is no term: CLIP reads 77 tokens at most. */
const LONGEST_TERM = 1 << 16;
/** 8,388,608; clip-interrogator's vocabulary has 111,867. */
const MOST_TERMS = 1 << 23;

/**
 * The lines of a term list, stripped, empty and repeated ones kept. `loadList(file)`, `loadList(folder, fileName)`, or `loadList(stream)`
 * of what gives a list's bytes.
 * UTF-8, or UTF-16 with a byte order mark; at most 128 MiB, 8,388,608 lines and 65,536 characters a line.
 * Throws ERR_VOCABULARY_NOT_FOUND, ERR_VOCABULARY_INVALID, ERR_IO.
 */
export async function loadList(file: TextSource, fileName?: string): Promise<string[]> {
  for (const [name, value] of Object.entries({ file, fileName })) {
    if (typeof value === 'string' || (name === 'fileName' ? value === undefined : isStream(value))) continue;
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: got ${show(value)}, expected a path.`);
  }
  const location = typeof file !== 'string' ? 'the stream' : fileName === undefined ? file : path.join(file, fileName);
  const terms: string[] = [];
  try {
    // The text's end so far, which may go on with the next piece.
    let rest = '';
    for await (const piece of readText(typeof file === 'string' ? location : file, location)) {
      const lines = (rest + piece).split(LINE_END);
      rest = lines.pop() as string;
      for (const line of lines) terms.push(term(line, terms.length, location));
      if (rest.length > LONGEST_TERM) term(rest, terms.length, location);
    }
    // A line end ends a line; it does not begin one more.
    if (rest !== '') terms.push(term(rest, terms.length, location));
    return terms;
  } catch (error) {
    throw unreadable(location, error);
  }
}

function isStream(value: unknown): boolean {
  try {
    return typeof (value as AsyncIterable<Uint8Array> | null | undefined)?.[Symbol.asyncIterator] === 'function';
  } catch {
    // A revoked proxy.
    return false;
  }
}

// Python's. A carriage return at the end of a piece may be half of one.
const LINE_END = /\r\n|\r(?!$)|\n/;

function term(line: string, index: number, location: string): string {
  const fault =
    line.length > LONGEST_TERM
      ? `line ${index + 1} is longer than ${LONGEST_TERM} characters`
      : index >= MOST_TERMS && `it has more than ${MOST_TERMS} lines`;
  if (!fault) return strip(line);
  throw invalid(`${location} is no term list: ${fault}.`);
}

function unreadable(location: string, cause: unknown): InterrogatorError {
  if (cause instanceof InterrogatorError) return cause;
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (reason === 'ENOENT' || reason === 'ENOTDIR') {
    return new InterrogatorError('ERR_VOCABULARY_NOT_FOUND', `There is no term list at ${location}.`, {
      hint: `${HINT}. A folder of term lists holds artists, flavors, mediums, movements and negative, each .txt, and trendings.txt if it likes.`,
      cause,
    });
  }
  const what = (cause as Error | undefined)?.message ?? String(cause);
  return new InterrogatorError('ERR_IO', `Cannot read the term list ${location}: ${what}`, { cause });
}
