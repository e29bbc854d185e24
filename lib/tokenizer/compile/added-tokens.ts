/** Tokens that are looked for in a text before anything else is done with it. */
import type { AddedToken, CompiledTokenizer } from '../pipeline/compiled';
import { flag, id, type Json, list, object, text } from './fields';
import { trieOf } from './tables';

/** Gemma 3, which has the most, has 6,415. */
const MOST_TOKENS = 10_000;
/** Of all their contents together, in UTF-16 code units. */
const MOST_CHARACTERS = 2 ** 18;

/** Those that can be found in a text. Of two with the same content the last one counts. */
export function addedTokensOf(json: Json): AddedToken[] {
  const tokens = list(json.added_tokens ?? [], 'added_tokens');
  if (tokens.length > MOST_TOKENS) throw new Error(`its added_tokens are ${tokens.length}, more than ${MOST_TOKENS}`);
  const byContent = new Map(tokens.map(addedToken).map((token) => [token.content, token]));
  byContent.delete('');
  if ([...byContent.keys()].reduce((sum, { length }) => sum + length, 0) > MOST_CHARACTERS)
    throw new Error('its added_tokens are too long');
  return [...byContent.values()];
}

function addedToken(value: unknown): AddedToken {
  const token = object(value, 'added_tokens');
  const isSpecial = flag(token.special, false, 'added_tokens.special');
  const content = text(token.content, 'added_tokens.content');
  if (/\p{Cs}/u.test(content)) throw new Error('its added_tokens.content is no text');
  return {
    id: id(token.id, 'added_tokens.id'),
    content,
    takesLeft: flag(token.lstrip, false, 'added_tokens.lstrip'),
    takesRight: flag(token.rstrip, false, 'added_tokens.rstrip'),
    isWord: flag(token.single_word, false, 'added_tokens.single_word'),
    isNormalized: flag(token.normalized, !isSpecial, 'added_tokens.normalized'),
    isSpecial,
  };
}

export function addedTables(added: readonly AddedToken[], normalize: (text: string) => string): CompiledTokenizer['added'] {
  const normalized = added.filter(({ isNormalized }) => isNormalized).map((token) => ({ token, content: normalize(token.content) }));
  const raw = added.filter(({ isNormalized }) => !isNormalized).map((token) => ({ token, content: token.content }));
  return { raw: tableOf(raw), normalized: tableOf(normalized) };
}

function tableOf(entries: readonly { token: AddedToken; content: string }[]): CompiledTokenizer['added']['raw'] {
  const places = new Map(entries.map(({ content }, place) => [content, place]));
  places.delete('');
  return { tokens: entries.map(({ token }) => token), contents: trieOf(places) };
}
