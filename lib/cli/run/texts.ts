/** The options of texts: the rules for words, and what is written beside or into each picture. */
import { type Command, Option } from 'commander';
import { type RunOptions, readReplacements, readWordRules, type WordRules } from '../../index';
import { wholeNumber } from '../options';
import { collect, type PictureOptions } from './options';

export interface TextOptions {
  prefix?: string;
  suffix?: string;
  trigger?: string;
  replace: string[];
  maxTokens?: number;
  template?: string;
  lower?: boolean;
  underscores?: boolean;
  keepDuplicates?: boolean;
  dryRun?: boolean;
  sidecar?: string;
  sidecarName?: string;
  sidecarDir?: string;
  existing: 'skip' | 'overwrite' | 'append' | 'prepend';
  embed?: 'xmp';
  captions?: number;
}

export function addTextOptions(command: Command): void {
  command
    .option('--prefix <text>', 'put this before each text')
    .option('--suffix <text>', 'put this behind each text')
    .option('--trigger <word>', 'put this word first, once')
    .option('--replace <a=b>', 'replace a term, /regex/=text too, or the pairs of a file; may be repeated', collect, [])
    .option('--max-tokens <n>', "tokens of a text at most, counted with the model's own tokenizer; 75 fill CLIP's context", wholeNumber(1))
    .option('--template <text>', 'build the text of "{caption}, {medium}, {artist}, {trending}, {movement}, {flavors}, {prompt}"')
    .option('--lower', 'in lower case')
    .option('--underscores', 'with _ for the blanks in terms')
    .option('--keep-duplicates', 'leave terms that come twice')
    .option('--dry-run', 'show ten texts before and after the rules, and write nothing')
    .option('--sidecar <ext>', 'write a text file beside each picture: .txt, .caption')
    .option('--sidecar-name <template>', 'how it is called: {stem}, {name} (with the suffix), {ext}, {mode}')
    .option('--sidecar-dir <dir>', 'put them into this folder, in subfolders as the pictures are')
    .addOption(
      new Option('--existing <how>', 'what to do with text files that are there and not of an earlier run')
        .choices(['skip', 'overwrite', 'append', 'prepend'])
        .default('skip'),
    )
    .addOption(new Option('--embed <kind>', "write the text into the picture's file, never touching pixels").choices(['xmp']));
}

/** A glob has one of these; a pattern between slashes is of words. */
const GLOB = /[*?[{]/;
const PATTERN = /^\/.+\/[a-z]*$/;

/** What the rules for words and the outputs of texts come to. `--exclude` is of files where it is a glob. */
export async function toTextOptions(
  options: PictureOptions & TextOptions,
): Promise<Pick<RunOptions, 'words' | 'sidecar' | 'embed' | 'exclude'>> {
  const { prefix, suffix, trigger, maxTokens, template, lower, underscores, keepDuplicates, embed } = options;
  const isGlob = (what: string): boolean => GLOB.test(what) && !PATTERN.test(what);
  const excluded = options.exclude.filter((what) => !isGlob(what));
  const words: WordRules = {
    ...(prefix !== undefined && { prefix }),
    ...(suffix !== undefined && { suffix }),
    ...(trigger !== undefined && { trigger }),
    ...(excluded.length > 0 && { exclude: await readWordRules(excluded) }),
    ...(options.replace.length > 0 && { replace: await readReplacements(options.replace) }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(template !== undefined && { template }),
    ...(lower && { lower }),
    ...(underscores && { underscores }),
    ...(keepDuplicates && { keepDuplicates }),
  };
  const sidecar = sidecarOf(options);
  return {
    exclude: options.exclude.filter(isGlob),
    ...(Object.keys(words).length > 0 && { words }),
    ...(sidecar && { sidecar }),
    ...(embed && { embed }),
  };
}

function sidecarOf({ sidecar, sidecarName, sidecarDir, existing, captions }: TextOptions): RunOptions['sidecar'] {
  if (sidecar === undefined && sidecarName === undefined && sidecarDir === undefined) return undefined;
  const extension = sidecar ?? '.txt';
  return {
    extension: extension.startsWith('.') ? extension : `.${extension}`,
    ...(sidecarName !== undefined && { name: sidecarName }),
    ...(sidecarDir !== undefined && { folder: sidecarDir }),
    existing,
    ...(captions !== undefined && { lines: true }),
  };
}
