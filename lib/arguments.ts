/** Checks of what callers hand in. */
import type { CallOptions } from './engine/engine';
import { InterrogatorError } from './errors';

/** A value for an error message. It never throws, whatever the value is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** A whole number of at least `least`, or its default where it was left out. */
export function count(name: string, value: number | undefined, initial: number, least = 0): number {
  if (value === undefined) return initial;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: got ${show(value)}, expected a whole number of at least ${least}.`);
}

export function texts(name: string, value: readonly string[]): readonly string[] {
  if (isTextList(value) && value.length > 0) return value;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: expected an array of at least one string.`);
}

/** Strings throughout; every() alone would pass over an array's holes. */
export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && Array.from(value).every((text) => typeof text === 'string');
}

export function optionalText(name: string, value: string | null | undefined): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: got ${show(value)}, expected a string.`);
}

export function oneOf<T extends string>(name: string, value: T | undefined, initial: T, known: readonly T[]): T {
  if (value === undefined) return initial;
  if (known.includes(value)) return value;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${name}: got ${show(value)}, expected one of ${known.join(', ')}.`);
}

/** What every long call takes, checked before anything runs. */
export function callOptions(options: CallOptions): CallOptions {
  const { signal, onProgress } = options ?? {};
  if (signal !== undefined && !(typeof signal?.addEventListener === 'function' && typeof signal.aborted === 'boolean')) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `signal: got ${show(signal)}, expected an AbortSignal.`);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `onProgress: got ${show(onProgress)}, expected a function.`);
  }
  return { signal, onProgress };
}
