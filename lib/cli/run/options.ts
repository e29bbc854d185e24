/** The options that all commands over pictures have: which pictures, what is kept, what is written. */
import { type Command, Option } from 'commander';
import { InterrogatorError, type RunOptions } from '../../index';
import { type ModelOptions, wholeNumber } from '../options';

export interface PictureOptions extends ModelOptions {
  device: string;
  from: string[];
  recursive: boolean;
  include: string[];
  exclude: string[];
  concurrency?: number;
  state?: string | false;
  redo?: boolean;
  onlyErrors?: boolean;
  out: string[];
  report?: string;
  progress: 'auto' | 'line' | 'json' | 'none';
  bestEffort?: boolean;
}

/** For options that may be given several times. */
export function collect(value: string, list: readonly string[]): string[] {
  return [...list, value];
}

export function addPictureOptions(command: Command, { excludes = 'leave out files and folders that fit the glob' } = {}): Command {
  return command
    .option(
      '--from <file>',
      'take the pictures of a list too: a path or URL a line, or JSON lines with "image"; - is standard input',
      collect,
      [],
    )
    .option('--no-recursive', 'do not enter subfolders')
    .option('--include <glob>', 'only files of folders that fit the glob; may be repeated', collect, [])
    .option('--exclude <what>', `${excludes}; may be repeated`, collect, [])
    .option('--concurrency <n>', 'pictures a device at the same time (default: by the device)', wholeNumber(1, 4096))
    .option(
      '--state <dir>',
      'folder of what is kept: results, image features (default: .torch-interrogator beside the output or in the folder)',
    )
    .option('--no-state', 'keep nothing')
    .option('--redo', 'do all again, whatever is kept')
    .option('--only-errors', 'only pictures that failed the last time')
    .option(
      '--out <file>',
      'write one file: .jsonl, .csv, .tsv, .parquet, .txt, metadata.jsonl, .json (kohya), .tar (WebDataset); may be repeated',
      collect,
      [],
    )
    .option('--report <file>', 'write a page to look at: .html')
    .option('--best-effort', 'decode files that end too early as far as they go')
    .addOption(
      new Option(
        '--progress <how>',
        'what stderr is told: line (on a terminal one that changes, elsewhere a plain one each 10 s), json (an event a line), or none; auto: line on a terminal, elsewhere downloads alone',
      )
        .choices(['auto', 'line', 'json', 'none'])
        .default('auto'),
    );
}

/** Ends the command where neither an argument nor a list names a picture. */
export function requirePictures(args: readonly string[], { from }: PictureOptions, command: Command): void {
  if (args.length === 0 && from.length === 0) command.error("error: missing required argument 'image|folder|url|-'");
}

/** What the library takes, but for the task and the words. */
export function toRunOptions(options: PictureOptions): RunOptions {
  const { recursive, include, exclude, concurrency, state, redo, onlyErrors, out, report, from } = options;
  if (onlyErrors && state === false) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', '--only-errors reads the state of an earlier run, which --no-state leaves alone.', {
      hint: 'Give one of the two.',
    });
  }
  if (redo && onlyErrors) throw new InterrogatorError('ERR_INVALID_ARGUMENT', '--redo and --only-errors do not go together.');
  return {
    recursive,
    include,
    exclude,
    from: from.map((each) => (each === '-' ? process.stdin : each)),
    ...(concurrency !== undefined && { concurrency }),
    ...(state !== undefined && { state: state === false ? null : state }),
    ...(redo && { again: 'all' as const }),
    ...(onlyErrors && { again: 'errors' as const }),
    out,
    ...(report !== undefined && { report }),
    devices: devicesOf(options.device),
  };
}

/** `cuda:0,cuda:1` are two. */
export function devicesOf(device: string): string[] {
  return device
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}
