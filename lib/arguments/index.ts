/** Checks of what callers hand in: each value is read once, and whatever goes wrong on the way is an InterrogatorError. */
import { types } from 'node:util';
import type { TObject, TProperties } from '@sinclair/typebox';
import { type ErrorCode, InterrogatorError } from '../errors';
import { lazySchema, problems, type TypeBox } from './schema';
import { show } from './show';

export { show } from './show';

export interface ProgressEvent {
  /** What runs: 'load', 'download' (of label embeddings), 'download ViT-L-14/openai' (of weights, in bytes), 'labels artists' (and the other tables), 'caption', 'features', 'rank', 'chain'. */
  stage: string;
  /** Steps done, 0 … total. */
  done: number;
  total: number;
  /** In a chain: the best prompt that was met so far. */
  prompt?: string;
  /** In a chain: the cosine similarity of that prompt and the image, -1 … 1. */
  similarity?: number;
}

export type ProgressListener = (event: ProgressEvent) => void;

/** What every long call takes. */
export interface CallOptions {
  /** Stops the call at its next step; it rejects with an AbortError whose cause is the signal's reason. */
  signal?: AbortSignal;
  onProgress?: ProgressListener;
}

/** The schema of the options of a call that takes these fields, `signal` and `onProgress`. Each may be left out. */
export function optionsSchema(fields: (typebox: TypeBox) => TProperties): () => TObject {
  return lazySchema((typebox) => {
    const { Kind, Type, TypeRegistry } = typebox;
    TypeRegistry.Set('AbortSignal', (_, value) => isA(value, AbortSignal, ({ aborted }) => aborted !== undefined));
    const signal = Type.Unsafe({ [Kind]: 'AbortSignal', expected: 'an AbortSignal' });
    const onProgress = Type.Function([], Type.Any(), { expected: 'a function' });
    return Type.Partial(Type.Object({ ...fields(typebox), signal, onProgress }, { additionalProperties: false }));
  });
}

/** Of calls that take `signal` and `onProgress` alone. */
export const NO_OPTIONS = optionsSchema(() => ({}));

/**
 * The options of a call, checked: null and undefined stand for none. Throws ERR_INVALID_ARGUMENT, naming every option that is wrong; for
 * a name that is not known it names the nearest one that is.
 */
export function callOptions<O extends object>(call: string, given: O | null | undefined, schema: () => TObject): O {
  const options = fieldsOf(`the options of ${call}`, given ?? {});
  const faults = read(`the options of ${call}`, 'ERR_INVALID_ARGUMENT', () => problems(schema(), options, 'option'));
  if (faults.length > 0) throw invalid(`${call}: ${faults.join('\n')}`);
  return options as O;
}

/** An object's enumerable fields. Throws for what is no object, or cannot be read. */
export function fieldsOf(name: string, given: unknown, code: ErrorCode = 'ERR_INVALID_ARGUMENT'): Record<string, unknown> {
  const fields = read(name, code, () => {
    // The contents of these are no fields.
    if (given === null || typeof given !== 'object' || Array.isArray(given) || types.isMap(given) || types.isDate(given)) return undefined;
    const copy: Record<string, unknown> = {};
    for (const key in given) copy[key] = (given as Record<string, unknown>)[key];
    return copy;
  });
  if (fields) return fields;
  throw new InterrogatorError(code, `${name}: got ${show(given)}, expected a plain object.`);
}

/** What `get` reads of a caller's value. A getter that throws, or a revoked proxy, is the caller's mistake. */
export function read<T>(name: string, code: ErrorCode, get: () => T): T {
  try {
    return get();
  } catch (cause) {
    throw new InterrogatorError(code, `${name} cannot be read.`, { cause });
  }
}

/** Whether a value is of a class, and sound where it is made of the prototype alone; it throws for nothing. */
export function isA<T>(value: unknown, kind: { readonly prototype: T }, isSound: (made: T) => boolean = () => true): value is T {
  try {
    return value instanceof (kind as unknown as new () => T) && isSound(value);
  } catch {
    return false;
  }
}

/** A string. Throws ERR_INVALID_ARGUMENT for anything else. */
export function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw invalid(`${name}: got ${show(value)}, expected a string.`);
}

/** A copy of a list of strings, of at least `least`. */
export function textList(name: string, value: unknown, least = 0): string[] {
  const texts = arrayOf(name, value, (each) => typeof each === 'string');
  if (texts && texts.length >= least) return texts;
  throw invalid(`${name}: expected an array of ${least > 0 ? `at least ${least === 1 ? 'one string' : `${least} strings`}` : 'strings'}.`);
}

/** A copy of an array; undefined for anything else. It stops at the first wrong element, however long the array claims to be. */
export function arrayOf<T>(name: string, value: unknown, accepts: (each: unknown) => each is T): T[] | undefined {
  return read(name, 'ERR_INVALID_ARGUMENT', () => {
    if (!Array.isArray(value)) return undefined;
    const list: T[] = [];
    for (let i = 0; i < value.length; i += 1) {
      const each: unknown = value[i];
      if (!accepts(each)) return undefined;
      list.push(each);
    }
    return list;
  });
}

export function invalid(message: string, hint?: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', message, { hint });
}
