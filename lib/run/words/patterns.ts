/** Terms and patterns of a person's, tried on the parts of a text. */
import { createContext, Script } from 'node:vm';
import { InterrogatorError } from '../../errors';

/** By the clock, which runs on while others have the processor. A pattern that takes longer on one part does not come to an end. */
const TIMEOUT_MS = 250;
/** Parts of a text are short. */
const LONGEST_PART = 2000;

const sandbox = createContext({ pattern: undefined, text: '', replacement: '' });
const replacing = new Script('text.replace(pattern, replacement)');

/** The part with the pattern's first match replaced, or all of them with the flag g. Throws ERR_INVALID_ARGUMENT for one without end. */
export function replacePattern(part: string, pattern: RegExp, replacement: string): string {
  if (part.length > LONGEST_PART) return part;
  try {
    Object.assign(sandbox, { pattern, text: part, replacement });
    return replacing.runInContext(sandbox, { timeout: TIMEOUT_MS }) as string;
  } catch (cause) {
    throw new InterrogatorError(
      'ERR_INVALID_ARGUMENT',
      `The pattern ${pattern} does not come to an end on texts like ${JSON.stringify(part.slice(0, 60))}.`,
      {
        hint: 'Write it without a repetition within a repetition.',
        cause,
      },
    );
  }
}

/** Whether the pattern fits the part. */
export function fitsPattern(part: string, pattern: RegExp): boolean {
  return replacePattern(part, pattern, '\u0000') !== part;
}

/** The pattern without flags by which it would remember where it was. */
export function withoutState(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
}

/** The term as whole words, whatever their case. */
export function wordsPattern(term: string): RegExp {
  const literal = term
    .trim()
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replace(/\s+/g, '\\s+');
  return new RegExp(`(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])`, 'giu');
}

/** Without regard to case, blanks and the way accents are written. */
export function folded(term: string): string {
  return term.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}
