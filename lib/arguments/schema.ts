/** Contracts as TypeBox schemas: JSON Schema, checks and static types from one text. TypeBox is loaded with the first schema. */
import type { SchemaOptions, TSchema, TUnsafe } from '@sinclair/typebox';
import { unknownName } from './nearest';
import { shorten, show } from './show';

export type TypeBox = typeof import('@sinclair/typebox');

/** A schema that is made when it is first asked for. */
export function lazySchema<T extends TSchema>(make: (typebox: TypeBox) => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make(require('@sinclair/typebox') as TypeBox);
    return made;
  };
}

/** One of some texts. */
export function choice<const T extends string>({ Type }: TypeBox, values: readonly T[], options: SchemaOptions = {}): TUnsafe<T> {
  return Type.Unsafe<T>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      options,
    ),
  );
}

/**
 * What `accepts` takes, told by `expected`: for what JSON Schema cannot say, and for lists that may be long, which it goes through at once.
 * A check that throws, say for a revoked proxy, accepts nothing.
 */
export function accepted<T>({ Kind, Type, TypeRegistry }: TypeBox, expected: string, accepts: (value: unknown) => boolean): TUnsafe<T> {
  TypeRegistry.Set<{ accepts(value: unknown): boolean }>('Accepted', (schema, value) => {
    try {
      return schema.accepts(value);
    } catch {
      return false;
    }
  });
  return Type.Unsafe<T>({ [Kind]: 'Accepted', accepts, expected });
}

const MOST_LINES = 20;

/**
 * What a schema has against a value: a line for each of the first 20 wrong fields, with what came and what was expected. A field's schema
 * may say `expected` in words; ranges and choices are told without. `what`: what a field is called where a schema allows no other names.
 */
export function problems(schema: TSchema, value: unknown, what = 'field'): string[] {
  const { Value, ValueErrorType } = require('@sinclair/typebox/value') as typeof import('@sinclair/typebox/value');
  const lines = new Map<string, string>();
  for (const { path, type, schema: field, value: given } of Value.Errors(schema, value)) {
    const name = path.slice(1).replaceAll('/', '.');
    const isUnknown = type === ValueErrorType.ObjectAdditionalProperties;
    const above = path.slice(1, path.lastIndexOf('/') + 1).replaceAll('/', '.');
    const line = isUnknown
      ? above + unknownName(what, name.slice(above.length), Object.keys(field.properties))
      : `${shorten(name)}: got ${show(given)}, expected ${expectation(field)}.`;
    if (!lines.has(name)) lines.set(name, line);
    if (lines.size === MOST_LINES) break;
  }
  return [...lines.values()];
}

function expectation(schema: TSchema): string {
  if (typeof schema.expected === 'string') return schema.expected;
  if (schema.anyOf) return (schema.anyOf as TSchema[]).map(expectation).join(' or ');
  if (schema.const !== undefined) return `'${schema.const}'`;
  const { minimum, maximum } = schema;
  if (schema.type === 'integer' && maximum !== undefined) return `a whole number from ${minimum} to ${maximum}`;
  if (schema.type === 'integer') return minimum === undefined ? 'a whole number' : `a whole number of at least ${minimum}`;
  const names: Record<string, string> = {
    boolean: 'true or false',
    null: 'null',
    array: 'a list',
    object: 'an object',
    string: 'a string',
  };
  return names[schema.type as string] ?? `a ${schema.type}`;
}
