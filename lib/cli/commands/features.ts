/** torch-interrogator features --image FILE… | --text TEXT… | --text-file FILE */
import { type Command, InvalidArgumentError } from 'commander';
import type { Features, Interrogator } from '../../index';
import { imageWorks, readLines } from '../inputs';
import { printLines, type Work } from '../lines';
import { addModelOptions, isOfCaptions, type ModelOptions, toConfig } from '../options';
import { type CommandCall, withInterrogator } from '../session';

type FeaturesOptions = ModelOptions & { image?: string[]; text?: string[]; textFile?: string };

type FeaturesRecord = { features: number[] };

/** Enough for full passes over the text tower; little enough that lines come steadily, also from a large model. */
const TEXTS_AT_ONCE = 256;

export function addFeaturesCommand(program: Command): void {
  const command = program
    .command('features')
    .description('print the unit-length CLIP features of images or texts, a line each')
    .option('--image <file...>', 'image files, folders, URLs; - is an image on standard input')
    .option('--text <text...>', 'texts')
    .option('--text-file <file>', 'text file, one text a line; - is standard input');
  // Commander takes whatever follows such an option as its first value.
  for (const option of command.options.filter(({ variadic }) => variadic))
    option.argParser((value, list?: string[]) => notAnOption(command, value, list));
  addModelOptions(command, { hide: (setting) => isOfCaptions(setting) || /^(flavor|ranking|chunk)/.test(setting) }).action(features);
}

function notAnOption(command: Command, value: string, list: string[] = []): string[] {
  const isOption = command.options.some(({ long, short }) => value === long || value === short);
  if (isOption) throw new InvalidArgumentError(`A value is missing before ${value}.`);
  return [...list, value];
}

async function features({ image = [], text = [], textFile, ...options }: FeaturesOptions, command: Command): Promise<void> {
  const texts = [...text, ...(textFile === undefined ? [] : await readLines(textFile))];
  if (image.length === 0 && texts.length === 0) command.error('error: features needs --image FILE…, --text TEXT… or --text-file FILE.');
  await withInterrogator(toConfig(options, { caption: false }), async (interrogator, call) => {
    const toText = ({ features: values }: FeaturesRecord): string[] => [values.join(' ')];
    const line = { json: options.json, toText, signal: call.signal };
    const images = imageWorks(image, async (each) => (await recordsOf(interrogator.imageToFeatures(each, call)))[0] as FeaturesRecord);
    const failedImages = await printLines(images, { ...line, kind: 'image', concurrency: interrogator.config.maxBatch });
    // While one part's lines are printed, the next one is worked on.
    return failedImages + (await printLines(textWorks(interrogator, texts, call), { ...line, kind: 'text', concurrency: 2 }));
  });
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
