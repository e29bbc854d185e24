/** "Did you mean": the known names that are spelt most like a given one. */
import { distance } from 'fastest-levenshtein';
import { shorten } from './show';

/** Up to `count` names, the nearest first; none that shares too little to be a slip of the hand. */
export function nearest(name: string, known: readonly string[], count: number): string[] {
  // No name that is known is as long.
  if (shorten(name) !== name) return [];
  const folded = fold(name);
  return known
    .map((candidate) => ({ candidate, edits: editsBetween(folded, fold(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, Math.max(name.length, candidate.length) * 0.4))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** What is wrong with a name that is none of the known ones, with the nearest of them. `what`: such as "setting". */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const [suggestion] = nearest(name, known, 1);
  return `${shorten(name)}: no such ${what}${suggestion ? `; did you mean ${suggestion}?` : '.'}`;
}

function editsBetween(a: string, b: string): number {
  if (a === b) return 0;
  // A name without its tag, or with another one, is near: "ViT-L-14" means one of "ViT-L-14/…".
  return b.startsWith(a) && a.length >= 3 ? 0.5 : distance(a, b);
}

/** Python's spelling of an option, or another separator, is the same word. */
function fold(name: string): string {
  return name.toLowerCase().replace(/[_\-\s@]/g, '');
}
