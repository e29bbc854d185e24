/** Fields of files that anybody may have written. Each of these throws an Error that says which field is wrong. */

export type Json = Readonly<Record<string, unknown>>;

export function object(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new Error(`its ${what} is no object`);
}

export function list(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`its ${what} is no list`);
}

export function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`its ${what} is no text`);
}

export function oneCharacter(value: unknown, what: string): string {
  const given = text(value, what);
  if (given.length <= 2 && Array.from(given).length === 1) return given;
  throw new Error(`its ${what} is not one character`);
}

/** Of tokens, and what counts them. */
export function id(value: unknown, what: string): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 24) return value as number;
  throw new Error(`its ${what} is no token id`);
}

/** Undefined and null stand for `otherwise`. */
export function flag(value: unknown, otherwise: boolean, what: string): boolean {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'boolean') return value;
  throw new Error(`its ${what} is neither true nor false`);
}
