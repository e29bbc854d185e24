/** Globs that say which files of folders are taken. */
import { InterrogatorError } from '../../../api';
import type { InputOptions } from '../../picture';

/** `below`: the path below the folder argument, its parts separated by `/`. */
export interface Filters {
  takesFile(below: string): boolean;
  entersFolder(below: string): boolean;
  /** Whether any globs were given. */
  readonly areSet: boolean;
}

type Test = (below: string) => boolean;

/** Throws ERR_INVALID_ARGUMENT for what is no glob. */
export function filtersOf({ include = [], exclude = [] }: InputOptions): Filters {
  const included = include.map((glob) => testOf('include', glob));
  const excluded = exclude.map((glob) => testOf('exclude', glob));
  // `thumbs/` is of folders alone.
  const excludedFiles = excluded.filter((_, i) => !exclude[i]?.endsWith('/'));
  const fits = (tests: readonly Test[], below: string): boolean => tests.some((test) => test(below));
  return {
    takesFile: (below) => (included.length === 0 || fits(included, below)) && !fits(excludedFiles, below),
    entersFolder: (below) => !fits(excluded, below),
    areSet: include.length + exclude.length > 0,
  };
}

function testOf(option: string, glob: string): Test {
  const pattern = typeof glob === 'string' ? glob.replace(/\/+$/, '').replace(/^(?:\.?\/)+/, '') : '';
  if (pattern === '') {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${option}: ${JSON.stringify(glob)} is no glob.`, {
      hint: "Give globs of names or of paths below the folder: '*.png', 'drafts/**'.",
    });
  }
  const test = compileGlob(pattern, option);
  // A slash in front ties the glob to the folder argument, too.
  return glob.replace(/\/+$/, '').includes('/') ? test : (below) => test(below.slice(below.lastIndexOf('/') + 1));
}

/** The library is loaded when it is needed. Throws ERR_INVALID_ARGUMENT, which names the option. */
export function compileGlob(pattern: string, option: string): (text: string) => boolean {
  const picomatch = require('picomatch') as typeof import('picomatch');
  try {
    // Without `debug` a glob that is none fits nothing, and nobody is told.
    return picomatch(pattern, { dot: true, debug: true });
  } catch (cause) {
    const reason = (cause as Error).message.replace(/^Invalid regular expression: .*: /s, '');
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${option}: ${JSON.stringify(pattern.slice(0, 100))} is no glob: ${reason}.`, {
      hint: 'Put a backslash before brackets and braces that stand for themselves.',
      cause,
    });
  }
}
