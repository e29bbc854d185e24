/** The rules for words: what becomes of a text that a model made before it is written. */
import type { Mode } from '../../api';
import { Turns } from '../turns';
import { type CompiledRules, compiledRules, type Excluded, type Replaced } from './compiled';
import { fitsPattern, folded, replacePattern } from './patterns';
import type { WordRules } from './rules';
import { checkTemplate, fill, type Words } from './template';

export { previewWords } from './preview';
export { readReplacements, readWordRules } from './read-rules';
export type { WordRules } from './rules';
export { needsTerms, TEMPLATE_VARIABLES, type Words } from './template';

/** Throws ERR_INVALID_ARGUMENT for rules that no text can be given to. */
export function checkWords({ template }: WordRules): void {
  if (template !== undefined) checkTemplate(template);
}

/**
 * In this order: the template; what is replaced; what is left out; lower case and underscores; what comes twice; prefix, suffix and trigger;
 * the limit of tokens, which the trigger, prefix and suffix are not cut for. A text's parts are what is between ", ". Negative texts take
 * no template, trigger, prefix or suffix. Rejects with ERR_INVALID_ARGUMENT for a pattern that does not come to an end.
 */
export async function applyWords(
  mode: Mode,
  words: Words,
  rules: WordRules,
  countTokens: (text: string) => Promise<number>,
): Promise<string> {
  const isNegative = mode === 'negative';
  const text = rules.template !== undefined && !isNegative ? fill(rules.template, words) : words.prompt;
  let parts = text.split(', ').map(tidy);
  const { replace, exclude }: CompiledRules = compiledRules(rules);
  const turns = new Turns();
  for (const rule of replace) {
    parts = parts.flatMap((part) => replaced(part, rule).split(', ').map(tidy));
    await turns.pass();
  }
  for (const rule of exclude) {
    parts = parts.map((part) => without(part, rule));
    await turns.pass();
  }
  if (rules.lower) parts = parts.map((part) => part.toLowerCase());
  const trigger = isNegative ? '' : tidy(rules.trigger ?? '');
  parts = parts.filter((part) => part !== '' && (trigger === '' || folded(part) !== folded(trigger)));
  if (rules.underscores) parts = parts.map((part) => part.replace(/\s+/g, '_'));
  if (!rules.keepDuplicates) parts = distinct(parts);
  const [prefix, suffix] = isNegative ? ['', ''] : [rules.prefix ?? '', rules.suffix ?? ''];
  const whole = (kept: readonly string[]): string => {
    const body = `${prefix}${kept.join(', ')}${suffix}`;
    return [trigger, body].filter((part) => part !== '').join(', ');
  };
  return rules.maxTokens === undefined ? whole(parts) : await limited(parts, rules.maxTokens, whole, countTokens);
}

/** As many parts as there is room for; of a first one that is too long alone, as many words. */
async function limited(
  parts: readonly string[],
  maxTokens: number,
  whole: (parts: readonly string[]) => string,
  countTokens: (text: string) => Promise<number>,
): Promise<string> {
  const fits = async (kept: readonly string[]): Promise<boolean> => (await countTokens(whole(kept))) <= maxTokens;
  const count = await largest(parts.length, (many) => fits(parts.slice(0, many)));
  if (count > 0 || parts.length === 0) return whole(parts.slice(0, count));
  const words = (parts[0] as string).split(' ');
  const many = await largest(words.length, (some) => fits([words.slice(0, some).join(' ')]));
  return whole(many > 0 ? [words.slice(0, many).join(' ')] : []);
}

/** The largest number up to `most` that fits, where every smaller one does; 0 where none does. */
async function largest(most: number, fits: (many: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function replaced(part: string, { words, pattern, by }: Replaced): string {
  return words ? part.replace(words, () => by) : replacePattern(part, pattern as RegExp, by);
}

function without(part: string, { term, words, pattern }: Excluded): string {
  if (!words) return fitsPattern(part, pattern as RegExp) ? '' : part;
  return folded(part) === term ? '' : tidy(part.replace(words, ''));
}

function distinct(parts: readonly string[]): string[] {
  const seen = new Set<string>();
  return parts.filter((part) => {
    const key = folded(part.replaceAll('_', ' '));
    return !seen.has(key) && seen.add(key);
  });
}

/** One blank where there were several, none at the ends. */
function tidy(part: string): string {
  return part.replace(/\s+/g, ' ').trim();
}
