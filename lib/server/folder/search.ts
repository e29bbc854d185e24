/** Which pictures of a folder are shown, and in which order. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FolderQuery } from '../contract/folder';
import { type Entry, type Gallery, type Shown, textsOf } from './gallery';

/** Products of rows that take about 1 ms. */
const ROWS_AT_ONCE = 1000;

export interface Found {
  pictures: (Shown & { similarity?: number })[];
  total: number;
}

/** `phrase`: the unit-length features of what pictures are to be like. */
export async function searchPictures(gallery: Gallery, query: FolderQuery, phrase: Float32Array | undefined): Promise<Found> {
  const { text, filter = 'all', offset = 0, limit = 100 } = query;
  let entries: (Entry & { similarity?: number })[] = (await gallery.all()).filter((entry) => passes(entry, filter));
  if (filter === 'missing' || text) {
    const words = text?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
    const shown = await gallery.withCaptions(entries);
    entries = shown.filter((each) => (filter !== 'missing' || !each.caption) && matches(each, words));
  }
  if (phrase) entries = await bySimilarity(entries, phrase);
  const page = await gallery.withCaptions(entries.slice(offset, offset + limit));
  return { pictures: page, total: entries.length };
}

function passes({ kept, group }: Entry, filter: NonNullable<FolderQuery['filter']>): boolean {
  if (filter === 'failed') return kept?.error !== undefined;
  return filter !== 'duplicates' || group !== undefined;
}

function matches(entry: Shown, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const all = [entry.path, entry.caption ?? '', ...Object.values(textsOf(entry))].join('\n').toLowerCase();
  return words.every((word) => all.includes(word));
}

/** The most similar first; behind them those of which no run has kept features. */
async function bySimilarity(entries: readonly Entry[], phrase: Float32Array): Promise<(Entry & { similarity?: number })[]> {
  const scored: (Entry & { similarity?: number })[] = [];
  for (const [i, entry] of entries.entries()) {
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await nextTurn();
    const row = entry.kept?.features;
    scored.push(row?.length === phrase.length ? { ...entry, similarity: dot(row, phrase) } : entry);
  }
  return scored.sort((a, b) => (b.similarity ?? -2) - (a.similarity ?? -2));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
