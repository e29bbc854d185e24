/** Rules for words as people write them on a command line: terms, files of terms, /patterns/, A=B. */
import { readFile, stat } from 'node:fs/promises';
import { InterrogatorError } from '../../errors';

const PATTERN = /^\/(.+)\/([a-z]*)$/s;

/** Each is `/regex/flags`, a file of such lines, or a term. Rejects with ERR_INVALID_ARGUMENT. */
export async function readWordRules(given: readonly string[]): Promise<(string | RegExp)[]> {
  const rules = await Promise.all(
    given.map(async (each) => {
      const lines = PATTERN.test(each) ? undefined : await linesOf(each);
      return lines ? lines.map(({ line, place }) => ruleOf(line, place)) : [ruleOf(each, '')];
    }),
  );
  return rules.flat();
}

/** Each is `A=B`, `/regex/flags=B`, or a file of such lines; a `=` in A is written `\=`. Rejects with ERR_INVALID_ARGUMENT. */
export async function readReplacements(given: readonly string[]): Promise<[string | RegExp, string][]> {
  const pairs = await Promise.all(
    given.map(async (each) => {
      const lines = await linesOf(each);
      return lines ? lines.map(({ line, place }) => pairOf(line, place)) : [pairOf(each, '')];
    }),
  );
  return pairs.flat();
}

/** Of a file of that name; undefined where there is none. Blank lines, and those behind #, say nothing. */
async function linesOf(name: string): Promise<{ line: string; place: string }[] | undefined> {
  const found = await stat(name).catch(() => undefined);
  if (!found?.isFile()) {
    if (/\.(txt|csv|tsv)$/i.test(name)) throw invalid(`There is no file ${name}.`, 'Check the path.');
    return undefined;
  }
  const text = await readFile(name, 'utf8');
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line, i) => ({ line, place: `${name}, line ${i + 1}: ` }))
    .filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
}

function ruleOf(text: string, place: string): string | RegExp {
  const [, source, flags] = PATTERN.exec(text.trim()) ?? [];
  if (source === undefined) return text.trim();
  return patternOf(source, flags ?? '', place);
}

function pairOf(text: string, place: string): [string | RegExp, string] {
  const [, source, flags, by] = /^\s*\/(.+)\/([a-z]*)=(.*)$/s.exec(text) ?? [];
  if (source !== undefined) return [patternOf(source, flags ?? '', place), by as string];
  const [, what, term] = /^((?:[^=\\]|\\.)+)[=\t](.*)$/s.exec(text) ?? [];
  if (what === undefined || what.trim() === '') {
    throw invalid(`${place}${JSON.stringify(text.slice(0, 80))} replaces nothing.`, 'Write A=B: what is replaced, =, and by what.');
  }
  return [what.replace(/\\(.)/g, '$1').trim(), (term as string).trim()];
}

function patternOf(source: string, flags: string, place: string): RegExp {
  try {
    return new RegExp(source, flags);
  } catch (cause) {
    throw invalid(`${place}/${source}/${flags} is no pattern: ${(cause as Error).message}.`, 'Write it as in JavaScript: /grey|gray/i');
  }
}

function invalid(message: string, hint: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', message, { hint });
}
