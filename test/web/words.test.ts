/** The page's texts: each in every language, with the same values in it, and none that nobody says. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import texts from '../../lib/web/words/texts.json';

const WEB = path.join(__dirname, '..', '..', 'lib', 'web');

/** The names of the values, without the words that a number chooses. */
const valuesOf = (text: string): string[] => [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name as string))].sort();

test.each(Object.entries(texts))('%s is said in three languages with the same values', (_, { en, de, zh }) => {
  for (const text of [en, de, zh]) {
    expect(text.trim()).not.toBe('');
    expect(valuesOf(text)).toEqual(valuesOf(en));
    // A word that follows a number has two forms, or is written without one.
    expect(text.replace(/\{\w+(\|[^|{}]+\|[^|{}]+)?\}/g, '')).not.toMatch(/[{}|]/);
  }
});

test('every text is said somewhere', () => {
  const sources = readdirSync(WEB, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => readFileSync(path.join(WEB, file), 'utf8'))
    .join('\n');
  const said = [...sources.matchAll(/(['"`])((?:[\w.]|\$\{[^}]*\})+)\1/g)].map(([, , key]) => key as string);
  const patterns = [...new Set(said)].flatMap((key) => {
    const parts = key.split(/\$\{[^}]*\}/);
    // What is computed as a whole says nothing of which texts it may be.
    if (parts.join('') === '') return [];
    return [new RegExp(`^${parts.map((part) => part.replaceAll('.', '\\.')).join('[\\w.]+')}$`)];
  });
  expect(Object.keys(texts).filter((key) => !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
});
