/** HTML character references as Python's `html.unescape` and as ftfy read them. */
import { HTML5_ENTITIES } from './html5-entities';

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

function namedReference(body: string): string {
  const whole = HTML5_ENTITIES.get(body);
  if (whole !== undefined) return whole;
  for (let length = body.length - 1; length > 1; length--) {
    const start = HTML5_ENTITIES.get(body.slice(0, length));
    if (start !== undefined) return start + body.slice(length);
  }
  return `&${body}`;
}

const REFERENCE = /&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu;

/** Python's `html.unescape`: every reference that browsers accept, those without a semicolon included. */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (_, body: string) => (body.startsWith('#') ? numericReference(body) : namedReference(body)));
}

let strictEntities: Map<string, string> | undefined;

/** References with a semicolon, and the upper-cased spelling of those whose name is otherwise lower case (`&EACUTE;`). */
function loadStrictEntities(): Map<string, string> {
  const entities = new Map<string, string>();
  for (const [name, text] of HTML5_ENTITIES) {
    if (!name.endsWith(';')) continue;
    entities.set(`&${name}`, text);
    const upper = `&${name.toUpperCase()}`;
    if (name === name.toLowerCase() && unescapeHtml(upper) === upper) entities.set(upper, text.toUpperCase());
  }
  return entities;
}

/** ftfy's cautious reading: only what ends in a semicolon, so that "this&not that" stays. */
export function unescapeStrictHtml(text: string): string {
  if (!text.includes('&')) return text;
  strictEntities ??= loadStrictEntities();
  const entities = strictEntities;
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (reference) => {
    const known = entities.get(reference);
    if (known !== undefined) return known;
    if (!reference.startsWith('&#')) return reference;
    const unescaped = unescapeHtml(reference);
    return unescaped.includes(';') ? reference : unescaped;
  });
}
