/** HTML character references as Python's `html.unescape` and as ftfy read them. */
import type * as Entities from 'html-entities';

// https://html.spec.whatwg.org/#numeric-character-reference-end-state: what browsers make of Windows-1252 numbers.
const WINDOWS_1252_NUMBERS: ReadonlyMap<number, string> = new Map(
  [
    ...'\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f',
    ...'\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178',
  ].map((character, index) => [0x80 + index, character]),
);

/** Control characters and non-characters: a reference to one of them stands for nothing. */
function isInvalidCodePoint(code: number): boolean {
  return (
    (code >= 0x1 && code <= 0x8) ||
    code === 0xb ||
    (code >= 0xe && code <= 0x1f) ||
    (code >= 0x7f && code <= 0x9f) ||
    (code >= 0xfdd0 && code <= 0xfdef) ||
    (code & 0xfffe) === 0xfffe
  );
}

function numericReference(body: string): string {
  const hexadecimal = body[1] === 'x' || body[1] === 'X';
  const code = Number.parseInt(body.slice(hexadecimal ? 2 : 1), hexadecimal ? 16 : 10);
  if (code === 0) return '\ufffd';
  if (code === 0xd) return '\r';
  const windows = WINDOWS_1252_NUMBERS.get(code);
  if (windows !== undefined) return windows;
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return '\ufffd';
  return isInvalidCodePoint(code) ? '' : String.fromCodePoint(code);
}

/** The package has the references of HTML 4 for these two, which HTML 5 gave other characters. */
const CHANGED_IN_HTML5: ReadonlyMap<string, string> = new Map([
  ['&lang;', '\u27e8'],
  ['&rang;', '\u27e9'],
]);

/** Loaded where a text has an ampersand, which hardly any has. */
function entities(): typeof Entities {
  return require('html-entities') as typeof Entities;
}

/** What a reference stands for that is one from its first character to its last, undefined where it is none. */
function wholeReference(reference: string): string | undefined {
  const text = CHANGED_IN_HTML5.get(reference) ?? entities().decodeEntity(reference, { level: 'html5' });
  return text === reference ? undefined : text;
}

/** The longest name that the reference begins with counts, with or without its semicolon. */
function namedReference(reference: string): string {
  const changed = CHANGED_IN_HTML5.get(reference.slice(0, 6));
  return changed ? changed + reference.slice(6) : entities().decode(reference, { level: 'html5', scope: 'body' });
}

const REFERENCE = /&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu;

/** Python's `html.unescape`: every reference that browsers accept, those without a semicolon included. */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (reference, body: string) => (body.startsWith('#') ? numericReference(body) : namedReference(reference)));
}

/**
 * ftfy's cautious reading: only what ends in a semicolon, so that "this&not that" stays. ftfy reads a text again until nothing
 * changes: of "&amp;amp;lt;", which would take a round for each level, all levels are read at once.
 */
export function unescapeStrictHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#?[0-9A-Za-z]{1,24};)+/g, (references) => {
    const names = references.slice(1).split(';');
    let level = 0;
    for (; level < names.length - 1; level += 1) {
      const read = strictReference(`&${names[level]};`);
      if (read !== '&') return read + names.slice(level + 1).join(';');
    }
    return '&';
  });
}

/** A name in lower case may also be written in upper case where that is no name itself (`&EACUTE;`). */
function strictReference(reference: string): string {
  if (reference.startsWith('&#')) {
    const text = unescapeHtml(reference);
    return text.includes(';') ? reference : text;
  }
  const text = wholeReference(reference);
  if (text !== undefined) return text;
  const lower = reference.toLowerCase();
  const isUpper = reference === reference.toUpperCase() && lower !== reference && unescapeHtml(reference) === reference;
  return (isUpper && wholeReference(lower)?.toUpperCase()) || reference;
}
