/** The rules of a run as patterns, made once: they are tried on the texts of all pictures. */
import { folded, withoutState, wordsPattern } from './patterns';
import type { WordRules } from './rules';

/** Either `words`, the whole words of a term, or a person's own `pattern`. */
interface Compiled {
  words?: RegExp;
  pattern?: RegExp;
}

export interface Replaced extends Compiled {
  by: string;
}

export interface Excluded extends Compiled {
  /** Folded. */
  term?: string;
}

export interface CompiledRules {
  replace: readonly Replaced[];
  exclude: readonly Excluded[];
}

const compiled = new WeakMap<WordRules, CompiledRules>();

export function compiledRules(rules: WordRules): CompiledRules {
  const known = compiled.get(rules);
  if (known) return known;
  const made: CompiledRules = {
    replace: (rules.replace ?? []).map(([what, by]) =>
      typeof what === 'string' ? { words: wordsPattern(what), by } : { pattern: what, by },
    ),
    exclude: (rules.exclude ?? []).map((what) =>
      typeof what === 'string' ? { term: folded(what), words: wordsPattern(what) } : { pattern: withoutState(what) },
    ),
  };
  compiled.set(rules, made);
  return made;
}
