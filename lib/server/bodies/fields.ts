/** Fields that came as text, in a form or behind a ?, as what the route's schema wants them to be. */
import type { TSchema } from '@sinclair/typebox';
import type { FastifyRequest } from 'fastify';

/** A field that comes several times is a list; lists may also be written as JSON, or with commas between names. */
export function fieldsOf(request: FastifyRequest, given: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const body = (request.routeOptions.schema?.body ?? {}) as TSchema;
  const properties: Record<string, TSchema> = body.properties ?? {};
  const grouped = new Map<string, string[]>();
  for (const [name, value] of given) {
    const values = (Array.isArray(value) ? value : [value]).map(String);
    grouped.set(name, [...(grouped.get(name) ?? []), ...values]);
  }
  // What stands nowhere in the schema is refused by the check that follows.
  return Object.fromEntries([...grouped].map(([name, values]) => [name, valueOf(values, properties[name])]));
}

function valueOf(values: readonly string[], schema: TSchema | undefined): unknown {
  const [first = ''] = values;
  const types = schema ? typesOf(schema) : new Set<string>();
  if (types.has('array') && !(values.length === 1 && types.has('string') && !first.startsWith('['))) {
    if (values.length > 1) return values;
    const list = first.startsWith('[') ? parsed(first) : undefined;
    if (list !== undefined) return list;
    return isOfNames(schema) ? first.split(',').map((each) => each.trim()) : [first];
  }
  // It is to be one: the check that follows refuses several.
  if (values.length > 1) return values;
  if (types.has('object')) return parsed(first) ?? first;
  if ((types.has('integer') || types.has('number')) && /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(first.trim())) return Number(first);
  if (types.has('boolean') && /^(true|false|1|0|on|yes|no)$/i.test(first)) return /^(true|1|on|yes)$/i.test(first);
  if (types.has('null') && (first === '' || first === 'null')) return null;
  return first;
}

/** Of a list of names, such as modes, none of which has a comma in it. */
function isOfNames(schema: TSchema | undefined): boolean {
  return Array.isArray((schema?.items as TSchema | undefined)?.enum);
}

function typesOf(schema: TSchema): Set<string> {
  const types = new Set<string>(Array.isArray(schema.type) ? schema.type : [schema.type]);
  for (const each of (schema.anyOf ?? []) as TSchema[]) for (const type of typesOf(each)) types.add(type);
  return types;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
