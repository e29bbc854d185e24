/** What becomes of a text file beside a picture: what was there before, and what of it is ours. */

/** What to do with a file of another hand. */
export type Existing = 'skip' | 'overwrite' | 'append' | 'prepend';

/** A sidecar as a run left it: `<SHA-256 of the content>:<characters of it that are ours>`. */
export interface Mark {
  sha256: string;
  own: number;
}

export interface Joined {
  content: string;
  /** Characters of the content that are ours: at its end, or where they were prepended at its beginning. */
  own: number;
}

/** Between what was there and what is added, as kohya's tools have it. */
const SEPARATOR = ', ';
const NEWLINE = '\n';

export function markOf(text: string): Mark | undefined {
  const [, sha256, own] = /^([0-9a-f]{64}):(\d+)$/.exec(text) ?? [];
  return sha256 === undefined ? undefined : { sha256, own: Number(own) };
}

/**
 * The new content; undefined where the file is to stay as it is. `own`: how much of what is there an earlier run wrote, 0 for none. What was
 * added and not remembered, for the process ended in between, is not added again.
 */
export function joinedText(text: string, there: string | undefined, own: number, existing: Existing): Joined | undefined {
  const line = text + NEWLINE;
  const isOurs = own > 0 && own === there?.length;
  if (there?.trim() === text && (isOurs || existing !== 'skip')) return { content: there, own: there.length };
  if (there === undefined || isOurs) return { content: line, own: line.length };
  if (own === 0 && existing === 'skip') return undefined;
  if (existing === 'overwrite' || there.trim() === '') return { content: line, own: line.length };
  if (existing === 'prepend') {
    const kept = there.slice(own);
    if (own === 0 && isMore(there, text + SEPARATOR) && there.startsWith(text + SEPARATOR))
      return { content: there, own: text.length + SEPARATOR.length };
    return { content: `${text}${SEPARATOR}${kept}`, own: text.length + SEPARATOR.length };
  }
  const kept = own === 0 ? there.trimEnd() : there.slice(0, -own);
  if (kept === '') return { content: line, own: line.length };
  if (own === 0 && isMore(there, SEPARATOR + line) && there.endsWith(SEPARATOR + line))
    return { content: there, own: SEPARATOR.length + line.length };
  return { content: `${kept}${SEPARATOR}${line}`, own: SEPARATOR.length + line.length };
}

function isMore(there: string, part: string): boolean {
  return there.length > part.length;
}
