/** The tables' best terms for a picture, and the similarity of any other term of theirs that is searched for. */
import { type Signal, signal } from '@preact/signals';
import { rank, similaritiesOf } from '../../api/rank';
import { type RequestError, shownError } from '../../api/request';
import { labelsLike, TABLES, type TableName } from '../../api/tables';
import type { Picture } from '../../pictures/pictures';
import { chosenModels } from '../interrogate/asking/settings';

export interface Term {
  label: string;
  similarity: number;
  /** Its place in the table, from 1; null where it lies deeper than was asked. */
  place: number | null;
}

export interface Ranks {
  terms: readonly Term[];
  isWaiting: boolean;
  error: RequestError | null;
}

/** So many are fetched; fewer are shown. */
const DEPTH = 500;
/** Terms of a search that lie deeper than that. */
const FOUND = 50;
const NONE: Ranks = { terms: [], isWaiting: false, error: null };

const known = new WeakMap<Picture, Map<string, Record<TableName, Signal<Ranks>>>>();

export function ranksOf(picture: Picture): Record<TableName, Signal<Ranks>> {
  const byModel = known.get(picture) ?? new Map<string, Record<TableName, Signal<Ranks>>>();
  known.set(picture, byModel);
  const model = chosenModels.value.clip ?? '';
  const there = byModel.get(model);
  if (there) return there;
  const made = Object.fromEntries(TABLES.map((table) => [table, signal(NONE)])) as Record<TableName, Signal<Ranks>>;
  byModel.set(model, made);
  return made;
}

/** Ranks each table that is not ranked yet. The first sends the picture; the others name it. */
export async function rankAll(picture: Picture, abort: AbortSignal): Promise<void> {
  const ranks = ranksOf(picture);
  const missing = TABLES.filter((table) => ranks[table].peek().terms.length === 0);
  for (const table of missing) ranks[table].value = { ...NONE, isWaiting: true };
  const [first, ...others] = missing;
  if (!first) return;
  await rankOne(picture, first, abort);
  await Promise.all(others.map((table) => rankOne(picture, table, abort)));
}

async function rankOne(picture: Picture, table: TableName, abort: AbortSignal): Promise<void> {
  const state = ranksOf(picture)[table];
  const clipModelName = chosenModels.peek().clip ?? undefined;
  try {
    const { results } = await rank(picture, { table, topCount: DEPTH, clipModelName }, abort);
    const terms = (results[0]?.ranked ?? []).map(({ label, similarity }, i) => ({ label, similarity, place: i + 1 }));
    state.value = { ...NONE, terms };
  } catch (error) {
    state.value = { ...NONE, error: shownError(error) };
  }
}

/** Terms of a table that contain the text and lie deeper than what is known, by falling similarity. */
export async function searchDeeper(
  picture: Picture,
  table: TableName,
  { text, abort }: { text: string; abort: AbortSignal },
): Promise<Term[]> {
  const { terms } = ranksOf(picture)[table].peek();
  const near = new Set(terms.map(({ label }) => label));
  // The best of a long table may be among those that match; they are left out here.
  const labels = (await labelsLike(table, text, FOUND + DEPTH, abort)).filter((label) => !near.has(label)).slice(0, FOUND);
  if (labels.length === 0) return [];
  const similarities = await similaritiesOf(picture, { text: labels, clipModelName: chosenModels.peek().clip ?? undefined }, abort);
  const found = labels.map((label, i) => ({ label, similarity: similarities[i] ?? 0, place: null }));
  return found.sort((a, b) => b.similarity - a.similarity);
}
