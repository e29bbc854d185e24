/** HTML character references as Python's `html.unescape` and as ftfy read them. */
import type * as Entities from 'html-entities';
import { WINDOWS_1252_C1 } from './code-pages';

/** The package has the references of HTML 4 for these two, which HTML 5 gave other characters. */
const CHANGED_IN_HTML5: ReadonlyMap<string, string> = new Map([
  ['&lang;', '\u27e8'],
  ['&rang;', '\u27e9'],
]);

/** Loaded where a text has an ampersand, which hardly any has. */
function entities(): typeof Entities {
  return require('html-entities') as typeof Entities;
}

/** Control characters and non-characters: a reference to one of them stands for nothing. */
const INVALID = /[\x01-\x08\x0b\x0e-\x1f\x7f\p{Noncharacter_Code_Point}]/u;

/** What browsers make of a number: https://html.spec.whatwg.org/#numeric-character-reference-end-state */
function numericReference(body: string): string {
  const code = Number(`0${body.replace(/[#;]/g, '')}`);
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return '\ufffd';
  return WINDOWS_1252_C1[code - 0x80] ?? String.fromCodePoint(code).replace(INVALID, '');
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
