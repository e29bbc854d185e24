/** Texts of a template: `{caption}, {medium}, {flavors}`. */
import { nearest } from '../../arguments/nearest';
import { InterrogatorError } from '../../errors';
import type { TermScores } from '../row';

/** What is known of a picture. */
export interface Words {
  /** The mode's own text. */
  prompt: string;
  caption?: string;
  negative?: string;
  /** The best terms of each table. */
  terms?: TermScores;
}

type Table = keyof TermScores;

/** `{medium}` is the best of its table, `{mediums}` all that were ranked. */
const TABLES: Readonly<Record<string, Table>> = {
  medium: 'mediums',
  artist: 'artists',
  trending: 'trendings',
  movement: 'movements',
  flavor: 'flavors',
};

const VARIABLE = /\{(\w+)\}/g;

/** Names that a template may have in braces. */
export const TEMPLATE_VARIABLES: readonly string[] = ['prompt', 'caption', 'negative', ...Object.entries(TABLES).flat()];

/** Throws ERR_INVALID_ARGUMENT for a name that is none, with the nearest. */
export function checkTemplate(template: string): void {
  const wrong = variablesOf(template).find((name) => !TEMPLATE_VARIABLES.includes(name));
  if (wrong === undefined) return;
  const [suggestion] = nearest(wrong, TEMPLATE_VARIABLES, 1);
  throw new InterrogatorError(
    'ERR_INVALID_ARGUMENT',
    `template: {${wrong}} stands for nothing${suggestion ? `; did you mean {${suggestion}}?` : '.'}`,
    {
      hint: `Known are ${TEMPLATE_VARIABLES.map((name) => `{${name}}`).join(' ')}.`,
    },
  );
}

/** Whether terms must be ranked for it. */
export function needsTerms(template: string | undefined): boolean {
  return template !== undefined && variablesOf(template).some((name) => tableOf(name) !== undefined);
}

/** A variable of which nothing is known leaves nothing behind, not even its comma. */
export function fill(template: string, words: Words): string {
  const parts = template.split(', ').map((part) => {
    const names = variablesOf(part);
    const values = new Map(names.map((name) => [name, valueOf(name, words)]));
    if (names.length > 0 && [...values.values()].every((value) => value === '')) return '';
    return part.replace(VARIABLE, (_, name: string) => values.get(name) as string);
  });
  return parts.filter((part) => part.trim() !== '').join(', ');
}

function variablesOf(text: string): string[] {
  return [...text.matchAll(VARIABLE)].map(([, name]) => name as string);
}

function tableOf(name: string): Table | undefined {
  return Object.hasOwn(TABLES, name) ? TABLES[name] : Object.values(TABLES).find((table) => table === name);
}

function valueOf(name: string, words: Words): string {
  const table = tableOf(name);
  if (!table) return words[name as 'prompt' | 'caption' | 'negative'] ?? '';
  const labels = (words.terms?.[table] ?? []).map(({ label }) => label);
  return Object.hasOwn(TABLES, name) ? (labels[0] ?? '') : labels.join(', ');
}
