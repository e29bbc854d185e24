/** torch-interrogator features IMAGE|FOLDER… | --text TEXT… | --text-file FILE */
import { type Command, InvalidArgumentError } from 'commander';
import { type Features, type Interrogator, rowToObject } from '../../index';
import { IMAGE_ARGUMENTS, pictureReaders, readLines, refuseSharedInput } from '../inputs';
import { printLines, type Work } from '../lines';
import { addModelOptions, isOfCaptions } from '../options';
import { toRunConfig } from '../run/config';
import { addPictureOptions, type PictureOptions, toRunOptions } from '../run/options';
import { runPictures } from '../run/pictures';
import { type CommandCall, withInterrogator } from '../session';

type FeaturesOptions = PictureOptions & { image?: string[]; text?: string[]; textFile?: string };

type FeaturesRecord = { features: number[] };

/** Enough for full passes over the text tower; little enough that lines come steadily, also from a large model. */
const TEXTS_AT_ONCE = 256;

export function addFeaturesCommand(program: Command): void {
  const command = program
    .command('features')
    .description('print the unit-length CLIP features of images or texts, a line each')
    .argument(...IMAGE_ARGUMENTS)
    .option('--image <file...>', 'more of them')
    .option('--text <text...>', 'texts')
    .option('--text-file <file>', 'text file, one text a line; - is standard input');
  // Commander takes whatever follows such an option as its first value.
  for (const option of command.options.filter(({ variadic }) => variadic))
    option.argParser((value, list?: string[]) => notAnOption(command, value, list));
  addPictureOptions(command);
  addModelOptions(command, { hide: (setting) => isOfCaptions(setting) || /^(flavor|ranking|chunk)/.test(setting) }).action(features);
}

function notAnOption(command: Command, value: string, list: string[] = []): string[] {
  const isOption = command.options.some(({ long, short }) => value === long || value === short);
  if (isOption) throw new InvalidArgumentError(`A value is missing before ${value}.`);
  return [...list, value];
}

async function features(
  args: readonly string[],
  { image = [], text = [], textFile, ...options }: FeaturesOptions,
  command: Command,
): Promise<void> {
  const images = [...args, ...image];
  refuseSharedInput(command, [...pictureReaders(images, options.from), ['--text-file -', textFile]]);
  const texts = [...text, ...(textFile === undefined ? [] : await readLines(textFile))];
  const hasImages = images.length > 0 || options.from.length > 0;
  if (!hasImages && texts.length === 0) command.error('error: features needs images, --text TEXT… or --text-file FILE.');
  const config = toRunConfig(options, { caption: false });
  if (hasImages) {
    const { aborted } = await runPictures(
      images,
      { ...toRunOptions(options), config, task: { kind: 'features' } },
      { ...options, toText: ({ features: values = new Float32Array() }) => [values.join(' ')], toObject: (row) => rowToObject(row) },
    );
    if (aborted) return;
  }
  if (texts.length === 0) return;
  const code = process.exitCode;
  await withInterrogator(config, (interrogator, call) => {
    const toText = ({ features: values }: FeaturesRecord): string[] => [values.join(' ')];
    // While one part's lines are printed, the next one is worked on.
    const printing = { kind: 'text' as const, json: options.json, toText, signal: call.signal, concurrency: 2 };
    return printLines(textWorks(interrogator, texts, call), printing);
  });
  process.exitCode = code || process.exitCode;
}

async function* textWorks(interrogator: Interrogator, texts: readonly string[], call: CommandCall): AsyncGenerator<Work<FeaturesRecord>> {
  for (let start = 0; start < texts.length; start += TEXTS_AT_ONCE) {
    const names = texts.slice(start, start + TEXTS_AT_ONCE);
    yield { names, run: () => recordsOf(interrogator.textToFeatures(names, call)) };
  }
}

/** A record a row. */
async function recordsOf(features: Promise<Features>): Promise<FeaturesRecord[]> {
  using rows = await features;
  const values = Array.from(await rows.toArray());
  return Array.from({ length: rows.rows }, (_, i) => ({ features: values.slice(i * rows.dim, (i + 1) * rows.dim) }));
}
