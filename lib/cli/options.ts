/** The options that every command which runs a model takes, and how they become a Config. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Config } from '../index';

export interface ModelOptions {
  clip?: string;
  caption?: string;
  device?: string;
  data?: string;
  cache?: string | false;
  chunkSize?: number;
  flavorIntermediateCount?: number;
  ranking?: 'quota' | 'global';
  compat?: 'reference' | 'corrected';
  threads?: number;
  json?: boolean;
  quiet?: boolean;
}

/** Parses an option's value as a whole number in [minimum, 2^31). */
export function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > 0x7fffffff) {
      throw new InvalidArgumentError(`expected a whole number of at least ${minimum}.`);
    }
    return value;
  };
}

/** Adds the model and device options. `caption: false` leaves out --caption where none is ever used; `ranking` is --ranking's default. */
export function addModelOptions(
  command: Command,
  { caption, ranking = 'quota' }: { caption: boolean; ranking?: 'quota' | 'global' },
): Command {
  command.option('--clip <name|dir>', 'CLIP model: a model/tag name or a bundle folder (default: ViT-L-14/openai)');
  if (caption) {
    command.option('--caption <name|dir|none>', 'caption model: a name, a bundle folder, or none (default: blip-large)');
  } else {
    command.addOption(new Option('--caption <name|dir|none>', 'accepted, not used by this command').hideHelp());
  }
  return command
    .option('--device <auto|cpu|cuda:N>', 'where to compute (default: auto)')
    .option('--data <dir>', "folder of term lists (default: the CLIP bundle's own vocabulary)")
    .option('--cache <dir>', 'folder for label embeddings (default: cache)')
    .option('--no-cache', 'keep no label embeddings on disk')
    .option('--chunk-size <n>', 'labels ranked at once by quota ranking (default: 2048)', wholeNumber(1))
    .option('--flavor-intermediate-count <n>', 'candidates that best and negative chain over (default: 2048)', wholeNumber(1))
    .addOption(
      new Option('--ranking <how>', 'quota as the reference ranks, or global: the true top-k')
        .choices(['quota', 'global'])
        .default(ranking),
    )
    .addOption(new Option('--compat <how>', "the reference's answers, or its bugs corrected").choices(['reference', 'corrected']))
    .option('--threads <n>', 'CPU threads, 0 for one per core (default: 0)', wholeNumber(0))
    .option('--json', 'print JSON')
    .option('--quiet', 'no progress bars, no notes');
}

/** Only what was given on the command line overrides Config's defaults. */
export function toConfig(options: ModelOptions, { captionNeeded }: { captionNeeded: boolean }): Config {
  const given: Record<string, unknown> = {
    clipModelName: options.clip,
    captionModelName: captionNeeded && options.caption !== 'none' ? options.caption : null,
    device: options.device,
    dataPath: options.data,
    cachePath: options.cache === false ? null : options.cache,
    chunkSize: options.chunkSize,
    flavorIntermediateCount: options.flavorIntermediateCount,
    ranking: options.ranking,
    compat: options.compat,
    threads: options.threads,
    quiet: options.quiet || undefined,
  };
  return new Config(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
}
