/** Which terms are a picture's tags: those above the threshold, unless somebody ticks otherwise. */
import { signal } from '@preact/signals';
import type { Picture } from '../../pictures/pictures';
import { stored } from '../../stored';
import { similarityOf } from './sheet';

export const threshold = stored('threshold', 0.2);
/** Ticks that say other than the threshold, by picture and term. */
export const ticks = signal<ReadonlyMap<string, boolean>>(new Map());

const keyOf = (picture: Picture, term: string): string => `${picture.key} ${term}`;

export function isTag(picture: Picture, term: string): boolean {
  return ticks.value.get(keyOf(picture, term)) ?? (similarityOf(picture, term) ?? -1) >= threshold.value;
}

export function toggleTag(picture: Picture, term: string): void {
  const to = !isTag(picture, term);
  ticks.value = new Map(ticks.value).set(keyOf(picture, term), to);
}

export function forgetTicks(): void {
  ticks.value = new Map();
}

/** By falling similarity. */
export function tagsOf(picture: Picture, terms: readonly string[]): { label: string; similarity: number }[] {
  const tags = terms.filter((term) => isTag(picture, term)).map((label) => ({ label, similarity: similarityOf(picture, label) ?? 0 }));
  return tags.sort((a, b) => b.similarity - a.similarity);
}

/** A line a picture: its name, then its tags. */
export function tagsText(pictures: readonly Picture[], terms: readonly string[]): string {
  return pictures
    .map(
      (picture) =>
        `${picture.name}: ${tagsOf(picture, terms)
          .map(({ label }) => label)
          .join(', ')}\n`,
    )
    .join('');
}

export function tagsJson(pictures: readonly Picture[], terms: readonly string[]): string {
  const all = pictures.map((picture) => ({ name: picture.name, id: picture.id.peek(), tags: tagsOf(picture, terms) }));
  return `${JSON.stringify(all, null, 2)}\n`;
}
