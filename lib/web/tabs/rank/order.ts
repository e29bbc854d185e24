/** The order of pictures and terms: as they came, or by the similarity with one that was clicked. */
import { computed, signal } from '@preact/signals';
import { type Picture, pictures } from '../../pictures/pictures';
import { shownTerms, similarityOf, version } from './sheet';

/** Pictures are ordered by this term. */
export const byTerm = signal<string | null>(null);
/** Terms are ordered by this picture. */
export const byPicture = signal<Picture | null>(null);

export const orderedPictures = computed(() => {
  const term = byTerm.value;
  version.value;
  if (term === null || !shownTerms.value.includes(term)) return pictures.value;
  return [...pictures.value].sort((a, b) => (similarityOf(b, term) ?? -2) - (similarityOf(a, term) ?? -2));
});

export const orderedTerms = computed(() => {
  // With a single picture there is nothing to compare but the terms.
  const picture = pictures.value.length === 1 ? pictures.value[0]! : byPicture.value;
  version.value;
  if (!picture || !pictures.value.includes(picture)) return shownTerms.value;
  return [...shownTerms.value].sort((a, b) => (similarityOf(picture, b) ?? -2) - (similarityOf(picture, a) ?? -2));
});

/** The least and the most of all cells that are there: what the shades lie between. */
export const range = computed(() => {
  version.value;
  let [least, most] = [1, -1];
  for (const picture of pictures.value) {
    for (const term of shownTerms.value) {
      const similarity = similarityOf(picture, term);
      if (similarity === undefined) continue;
      least = Math.min(least, similarity);
      most = Math.max(most, similarity);
    }
  }
  return { least, most };
});
