/** The page's texts, in the language that is chosen. All of them are in texts.json. */
import { computed, effect } from '@preact/signals';
import { stored } from '../stored';
import texts from './texts.json';

export type Key = keyof typeof texts;
export const LANGUAGES = { en: 'English', de: 'Deutsch', zh: '中文' } as const;
export type Language = keyof typeof LANGUAGES;

/** '' follows the browser. */
export const chosenLanguage = stored<Language | ''>('language', '');
export const language = computed<Language>(() => {
  const wanted = [chosenLanguage.value, ...navigator.languages].map((name) => name.slice(0, 2));
  return (wanted.find((name) => Object.hasOwn(LANGUAGES, name)) as Language | undefined) ?? 'en';
});

/**
 * A text, with `{name}` replaced by the value of that name, numbers as the language writes them, and `{name|word|words}` by one of the
 * two words, as the number wants it.
 */
export function say(key: Key, values: Record<string, string | number> = {}): string {
  return texts[key][language.value].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name: string, one?: string, other?: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    if (one !== undefined && typeof value === 'number') return new Intl.PluralRules(language.value).select(value) === 'one' ? one : other!;
    return typeof value === 'number' ? value.toLocaleString(language.value) : value;
  });
}

/** Tells the document which language it is in. */
export function applyLanguage(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
}
