import type { AddedTable, AddedToken } from './compiled';
import { childOf } from './trie';

/** A stretch of a text, or a token that was found in it. */
export type Part = { text: string; start: number } | { id: number };

/** Looks for these tokens but those left out: the first in the text, of those that begin at the same place the longest. */
export function addedTokenSearch(table: AddedTable, leftOut: ReadonlySet<string>): (text: string) => Part[] {
  const isSought = table.tokens.map(({ content }) => !leftOut.has(content));
  return isSought.includes(true) ? (text) => partsOf(text, table, isSought) : whole;
}

function whole(text: string): Part[] {
  return text === '' ? [] : [{ text, start: 0 }];
}

function partsOf(text: string, { tokens, contents }: AddedTable, isSought: readonly boolean[]): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (let at = 0; at < text.length; ) {
    let [found, end] = [-1, at + 1];
    let node = childOf(contents, 0, text.charCodeAt(at));
    for (let next = at + 1; node !== 0; next += 1) {
      const place = contents.ids[node] as number;
      if (place >= 0 && isSought[place]) [found, end] = [place, next];
      if (next === text.length) break;
      node = childOf(contents, node, text.charCodeAt(next));
    }
    let start = at;
    at = end;
    if (found < 0) continue;
    const token = tokens[found] as AddedToken;
    if (token.isWord && (isInWord(characterBefore(text, start)) || isInWord(characterAt(text, end)))) continue;
    if (token.takesLeft) while (start > from && /\p{White_Space}/u.test(text[start - 1] as string)) start -= 1;
    if (token.takesRight) while (end < text.length && /\p{White_Space}/u.test(text[end] as string)) end += 1;
    if (start > from) parts.push({ text: text.slice(from, start), start: from });
    parts.push({ id: token.id });
    from = end;
  }
  if (from < text.length) parts.push({ text: text.slice(from), start: from });
  return parts;
}

function isInWord(character: string): boolean {
  return /[\p{L}\p{N}\p{M}\p{Pc}]/u.test(character);
}

function characterAt(text: string, place: number): string {
  return place < text.length ? String.fromCodePoint(text.codePointAt(place) as number) : '';
}

function characterBefore(text: string, place: number): string {
  return Array.from(text.slice(Math.max(0, place - 2), place)).at(-1) ?? '';
}
