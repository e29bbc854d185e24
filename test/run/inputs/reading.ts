/** What comes of pictures that a test iterates over. */
import { readFileSync } from 'node:fs';
import type { Picture } from '../../../lib/run/picture';

/** A signal that does not fire. */
export const never: AbortSignal = new AbortController().signal;

/** A stand-in for Math.random() that gives the same numbers each time. */
export function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** Of each its name and its content, or its error: `CODE: message`. */
export async function readAll(pictures: AsyncIterable<Picture>): Promise<[string, string][]> {
  const all: [string, string][] = [];
  for await (const { name, open } of pictures) {
    const content = await open(never).then(
      (found) => (typeof found === 'string' ? readFileSync(found) : found).toString(),
      ({ code, message }) => `${code}: ${message}`,
    );
    all.push([name, content]);
  }
  return all;
}

/** What opening the first of them rejects with. */
export async function failure(pictures: AsyncIterable<Picture>): Promise<unknown> {
  for await (const { open } of pictures) {
    return open(never).then(
      () => undefined,
      (error: unknown) => error,
    );
  }
  return undefined;
}

export async function namesOf(pictures: AsyncIterable<Picture>): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of pictures) names.push(name);
  return names;
}
