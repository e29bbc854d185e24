/** Checks of what callers hand in: each value is read once, and whatever goes wrong on the way is an InterrogatorError. */
import { type ErrorCode, InterrogatorError } from '../errors';
import { COLOR } from './limits';
import { unknownNames } from './nearest';
import { show } from './show';

export { show } from './show';

export interface ProgressEvent {
  /** What runs: 'load', 'download', 'labels artists' (and the other tables), 'caption', 'features', 'rank', 'chain'. */
  stage: string;
  /** Steps done, 0 … total. */
  done: number;
  total: number;
  /** In a chain: the best prompt that was met so far. */
  prompt?: string;
}

export type ProgressListener = (event: ProgressEvent) => void;

/** What every long call takes. */
export interface CallOptions {
  /** Stops the call at its next step; it rejects with an AbortError whose cause is the signal's reason. */
  signal?: AbortSignal;
  onProgress?: ProgressListener;
}

/** Checks one option's value; undefined stands for an option that was left out. */
export type Check<T> = (name: string, value: unknown) => T;
export type Checks = Readonly<Record<string, Check<unknown>>>;
export type Checked<K extends Checks> = { [Name in keyof K]: ReturnType<K[Name]> };

const COMMON = { signal: abortSignal, onProgress: listener };

/**
 * The options of a call, checked: those in `known`, signal and onProgress. Null and undefined stand for none.
 * Throws ERR_INVALID_ARGUMENT for a wrong value, and for a name that is not known with the nearest one that is.
 */
export function callOptions<K extends Checks>(call: string, given: unknown, known: K): Checked<K> & CallOptions {
  const checks: Checks = { ...known, ...COMMON };
  const values = fieldsOf(`the options of ${call}`, given ?? {});
  const faults = unknownNames('option', Object.keys(values), Object.keys(checks));
  if (faults.length > 0) throw invalid(`${call}: ${faults.join('\n')}`);
  return Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, check(name, values[name])])) as Checked<K> & CallOptions;
}

/** An object's enumerable fields. Throws for what is no object, or cannot be read. */
export function fieldsOf(name: string, given: unknown, code: ErrorCode = 'ERR_INVALID_ARGUMENT'): Record<string, unknown> {
  const fields = read(name, code, () => {
    if (given === null || typeof given !== 'object' || Array.isArray(given)) return undefined;
    const copy: Record<string, unknown> = {};
    for (const key in given) copy[key] = (given as Record<string, unknown>)[key];
    return copy;
  });
  if (fields) return fields;
  throw new InterrogatorError(code, `${name}: got ${show(given)}, expected an object.`);
}

/** What `get` reads of a caller's value. A getter that throws, or a revoked proxy, is the caller's mistake. */
export function read<T>(name: string, code: ErrorCode, get: () => T): T {
  try {
    return get();
  } catch (cause) {
    throw new InterrogatorError(code, `${name} cannot be read.`, { cause });
  }
}

/** Whether a value is of a class; it throws for nothing. */
export function isA<T>(value: unknown, kind: { readonly prototype: T }): value is T {
  try {
    return value instanceof (kind as unknown as new () => T);
  } catch {
    return false;
  }
}

/** A whole number of at least `least`. */
export function count<T extends number | undefined>(initial: T, least = 0): Check<number | T> {
  return (name, value) => {
    if (value === undefined) return initial;
    if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
    throw invalid(`${name}: got ${show(value)}, expected a whole number of at least ${least}.`);
  };
}

export function number(initial: number): Check<number> {
  return (name, value = initial) => {
    if (Number.isFinite(value)) return value as number;
    throw invalid(`${name}: got ${show(value)}, expected a number.`);
  };
}

export function flag(initial: boolean): Check<boolean> {
  return (name, value = initial) => {
    if (typeof value === 'boolean') return value;
    throw invalid(`${name}: got ${show(value)}, expected true or false.`);
  };
}

/** A string. Null is as good as none. */
export function text<T>(initial: T): Check<string | T> {
  return (name, value) => {
    if (value === undefined || value === null) return initial;
    if (typeof value === 'string') return value;
    throw invalid(`${name}: got ${show(value)}, expected a string.`);
  };
}

export function oneOf<T extends string, I extends T | undefined>(known: readonly T[], initial: I): Check<T | I> {
  return (name, value) => {
    if (value === undefined) return initial;
    if (known.includes(value as T)) return value as T;
    throw invalid(`${name}: got ${show(value)}, expected one of ${known.join(', ')}.`);
  };
}

/** A colour as '#rgb' or '#rrggbb', or null for none. */
export function color(name: string, value: unknown): string | null | undefined {
  if (value === undefined || value === null || (typeof value === 'string' && new RegExp(COLOR).test(value))) return value;
  throw invalid(`${name}: got ${show(value)}, expected a colour as '#rgb' or '#rrggbb', or null.`);
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

function abortSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || isA(value, AbortSignal)) return value;
  throw invalid(`${name}: got ${show(value)}, expected an AbortSignal.`);
}

function listener(name: string, value: unknown): ProgressListener | undefined {
  if (value === undefined || typeof value === 'function') return value as ProgressListener | undefined;
  throw invalid(`${name}: got ${show(value)}, expected a function.`);
}

export function invalid(message: string, hint?: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', message, { hint });
}
