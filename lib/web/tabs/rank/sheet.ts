/** The semantic spreadsheet: terms, and the similarity of every picture with each of them as far as it is known. */
import { computed, signal } from '@preact/signals';
import type { Picture } from '../../pictures/pictures';
import { stored } from '../../stored';
import { chosenModels } from '../interrogate/asking/settings';

/** While pictures come in, the sheet is drawn so often at the most. */
const DRAW_EVERY_MS = 100;

export const terms = stored<readonly string[]>('terms', []);
/** What is being typed: a term that is ranked though it is not in the list yet. */
export const draft = signal('');
/** Encoded in a term's place: 'a photo of {}'. */
export const template = stored('template', '{}');
/** The chosen CLIP model; null: the server's default. */
export const modelName = computed(() => chosenModels.value.clip);
export const shownTerms = computed(() => {
  const typed = draft.value.trim();
  return typed !== '' && !terms.value.includes(typed) ? [typed, ...terms.value] : terms.value;
});

/** What the model reads in a term's place. */
export function textOf(term: string): string {
  return template.value.includes('{}') ? template.value.replaceAll('{}', term) : term;
}

/** The texts of the shown terms, looked up fifty thousand times a drawing. */
const texts = computed(() => new Map(shownTerms.value.map((term) => [term, textOf(term)])));

/** By model, then by text. */
type Cells = Map<string | null, Map<string, number>>;
const cells = new WeakMap<Picture, Cells>();
/** Grows when cells have come: what draws them listens to it. */
export const version = signal(0);

/** undefined until it came. */
export function similarityOf(picture: Picture, term: string): number | undefined {
  return cells
    .get(picture)
    ?.get(modelName.value)
    ?.get(texts.value.get(term) ?? textOf(term));
}

/** Those of the texts whose similarity with the picture is not known. */
export function missing(picture: Picture, wanted: readonly string[]): string[] {
  const there = cells.get(picture)?.get(modelName.peek());
  return wanted.filter((text) => !there?.has(text));
}

export interface Row {
  model: string | null;
  texts: readonly string[];
  similarities: readonly number[];
}

export function keep(picture: Picture, { model, texts: columns, similarities }: Row): void {
  const byModel: Cells = cells.get(picture) ?? new Map();
  const there = byModel.get(model) ?? new Map<string, number>();
  cells.set(picture, byModel.set(model, there));
  for (const [i, text] of columns.entries()) there.set(text, similarities[i]!);
}

let drawing: ReturnType<typeof setTimeout> | undefined;
let drawn = 0;

/** Has the sheet drawn anew: at once where that was not done lately. */
export function draw(): void {
  if (drawing !== undefined) return;
  const later = Math.max(0, drawn + DRAW_EVERY_MS - performance.now());
  drawing = setTimeout(() => {
    drawing = undefined;
    drawn = performance.now();
    version.value += 1;
  }, later);
}

export function addTerms(lines: string): void {
  const added = lines
    .split(/[\n,;]/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
  terms.value = [...new Set([...terms.value, ...added])];
}

export function removeTerm(term: string): void {
  terms.value = terms.value.filter((each) => each !== term);
}
