import type { AddedToken } from './compiled';

/** A stretch of a text, or a token that was found in it. */
export type Part = { text: string; start: number } | { id: number };

/** Looks for these tokens: the first in the text, of those that begin at the same place the longest. */
export function addedTokenSearch(tokens: readonly AddedToken[]): (text: string) => Part[] {
  if (tokens.length === 0) return whole;
  const byContent = new Map(tokens.map((token) => [token.content, token]));
  const contents = [...byContent.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(contents.join('|'), 'gu');
  // A text that has none of the characters that they begin with has none of them.
  const beginnings = new RegExp(
    [...new Set([...byContent.keys()].map((content) => escaped(Array.from(content)[0] as string)))].join('|'),
    'u',
  );
  return (text) => (beginnings.test(text) ? partsOf(text, text.matchAll(pattern), byContent) : whole(text));
}

function whole(text: string): Part[] {
  return text === '' ? [] : [{ text, start: 0 }];
}

function partsOf(text: string, found: Iterable<RegExpExecArray>, byContent: ReadonlyMap<string, AddedToken>): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { index, 0: content } of found) {
    const token = byContent.get(content) as AddedToken;
    let [start, end] = [index, index + content.length];
    if (token.isWord && (/[\p{L}\p{N}\p{M}\p{Pc}]$/u.test(text.slice(0, start)) || /^[\p{L}\p{N}\p{M}\p{Pc}]/u.test(text.slice(end))))
      continue;
    if (token.takesLeft) while (start > from && /\p{White_Space}/u.test(text[start - 1] as string)) start -= 1;
    if (token.takesRight) while (end < text.length && /\p{White_Space}/u.test(text[end] as string)) end += 1;
    if (start > from) parts.push({ text: text.slice(from, start), start: from });
    parts.push({ id: token.id });
    from = end;
  }
  if (from < text.length) parts.push({ text: text.slice(from), start: from });
  return parts;
}

function escaped(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
