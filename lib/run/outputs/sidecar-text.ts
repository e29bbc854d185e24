/** What becomes of a text file beside a picture: what was there before, and what of it is ours. All texts here are bytes, each a character. */

/** What to do with a file of another hand. */
export type Existing = 'skip' | 'overwrite' | 'append' | 'prepend';

/** The part of a content that a run wrote. */
export interface Own {
  from: number;
  to: number;
}

export interface Joined {
  content: string;
  own: Own;
}

/** Between what was there and what is added, as kohya's tools have it. */
const SEPARATOR = ', ';
const NEWLINE = '\n';
const BOM = '\xef\xbb\xbf';

/** A sidecar as a run left it: `<SHA-256 of the content>:<from>-<to>`. */
export function markText(sha256: string, { from, to }: Own): string {
  return `${sha256}:${from}-${to}`;
}

export function markOf(text: string): { sha256: string; own: Own } | undefined {
  const [, sha256, from, to] = /^([0-9a-f]{64}):(\d+)-(\d+)$/.exec(text) ?? [];
  return sha256 === undefined ? undefined : { sha256, own: { from: Number(from), to: Number(to) } };
}

/** Nothing that anybody has written. */
export function isBlank(content: string): boolean {
  return /^(?:\xef\xbb\xbf)?[ \t\r\n]*$/.test(content);
}

/**
 * The new content; undefined where the file is to stay as it is. `own`: what of it an earlier run wrote, undefined for nothing. What was
 * added and not remembered, for the process ended in between, is not added again.
 */
export function joinedText(text: string, there: string | undefined, own: Own | undefined, existing: Existing): Joined | undefined {
  const alone = { content: text + NEWLINE, own: { from: 0, to: text.length + 1 } };
  if (there === undefined || isBlank(there)) return alone;
  const base = own ? there.slice(0, own.from) + there.slice(own.to) : there;
  if (own && isBlank(base)) return trimmed(there) === text ? { content: there, own } : alone;
  if (!own && trimmed(there) === text && existing !== 'skip') return { content: there, own: { from: 0, to: there.length } };
  if (!own && existing === 'skip') return undefined;
  if (existing === 'overwrite') return alone;
  // What was added by another rule stays where it was put.
  if (own ? own.from === 0 : existing === 'prepend') return prepended(text, there, base, own);
  return appended(text, there, base, own);
}

function prepended(text: string, there: string, base: string, own: Own | undefined): Joined {
  const part = text + SEPARATOR;
  if (!own && there.startsWith(part) && !isBlank(there.slice(part.length))) return { content: there, own: { from: 0, to: part.length } };
  if (base.startsWith(BOM))
    return { content: BOM + part + base.slice(BOM.length), own: { from: BOM.length, to: BOM.length + part.length } };
  return { content: part + base, own: { from: 0, to: part.length } };
}

function appended(text: string, there: string, base: string, own: Own | undefined): Joined {
  // Behind a mark of bytes something may have been prepended.
  if (own && own.to < there.length) {
    const part = text + SEPARATOR;
    return { content: base.slice(0, own.from) + part + base.slice(own.from), own: { from: own.from, to: own.from + part.length } };
  }
  const part = SEPARATOR + text + NEWLINE;
  if (!own && there.endsWith(part) && !isBlank(there.slice(0, -part.length)))
    return { content: there, own: { from: there.length - part.length, to: there.length } };
  const kept = own ? base : trimmed(base);
  return { content: kept + part, own: { from: kept.length, to: kept.length + part.length } };
}

/** Without blanks at its end; bytes above ASCII are parts of letters. */
function trimmed(content: string): string {
  return content.replace(/[ \t\r\n]+$/, '');
}
