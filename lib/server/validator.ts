/** Checks by the routes' schemas: bodies as they are, what stands behind a ? as what it means. */
import Ajv from 'ajv';
import type { FastifySchemaCompiler } from 'fastify';
import { Problem } from './contract/common';

/** The first fault is told: looking for all of them would let a long body take long. */
const SETTINGS = { allErrors: false, verbose: true, strict: false, validateFormats: false } as const;

export function validatorCompiler(): FastifySchemaCompiler<object> {
  const body = new Ajv(SETTINGS);
  const text = new Ajv({ ...SETTINGS, coerceTypes: 'array', useDefaults: true });
  for (const each of [body, text]) each.addSchema(Problem);
  return ({ schema, httpPart }) => (httpPart === 'body' ? body : text).compile(schema);
}
