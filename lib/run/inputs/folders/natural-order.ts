/** The order of names: numbers in them by value, everything else by bytes, on every machine alike. */
import { Turns } from '../../turns';

/** A name with the key that it is ordered by. Names hold a byte in each character. */
export interface Named {
  readonly name: string;
  readonly key: string;
}

/**
 * Keys compare as the names are to be ordered: `img2` before `img10`. A run of digits becomes `0`, its length without leading zeros as
 * one character, and its digits: so it has the place of digits among other characters, and longer numbers come later.
 */
export function naturalKey(name: string): string {
  return name.replace(/[0-9]+/g, (digits) => {
    const number = digits.replace(/^0+/, '');
    return `0${String.fromCharCode(number.length)}${number}`;
  });
}

/** Names that differ in leading zeros alone are ordered by their bytes. */
export function compareNatural(a: Named, b: Named): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** To sort so many takes less than a millisecond. */
const RUN = 512;

/** In natural order. Folders of a million names are sorted in slices. */
export async function sortNatural<T extends Named>(names: readonly T[]): Promise<T[]> {
  const turns = new Turns();
  let runs: T[][] = [];
  for (let at = 0; at < names.length; at += RUN) {
    runs.push(names.slice(at, at + RUN).sort(compareNatural));
    await turns.pass();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i] as T[], runs[i + 1] ?? [], turns));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T extends Named>(left: T[], right: T[], turns: Turns): Promise<T[]> {
  const all: T[] = [];
  let i = 0;
  let k = 0;
  while (i < left.length && k < right.length) {
    all.push(compareNatural(left[i] as T, right[k] as T) <= 0 ? (left[i++] as T) : (right[k++] as T));
    if (all.length % RUN === 0) await turns.pass();
  }
  while (i < left.length) all.push(left[i++] as T);
  while (k < right.length) all.push(right[k++] as T);
  return all;
}
