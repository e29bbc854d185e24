/** torch-interrogator features --image FILE… | --text TEXT… | --text-file FILE */
import { type Command, InvalidArgumentError } from 'commander';
import type { Interrogator } from '../../index';
import { UsageError } from '../failure';
import { imageWorks, readLines } from '../inputs';
import { printLines, type Work } from '../lines';
import { addModelOptions, type ModelOptions, toConfig } from '../options';
import { type CommandCall, withInterrogator } from '../session';

interface FeaturesOptions extends ModelOptions {
  image?: string[];
  text?: string[];
  textFile?: string;
}

interface FeaturesRecord {
  features: number[];
}

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
  addModelOptions(command, { hide: (setting) => /^(caption|flavor|ranking|chunk)/.test(setting) }).action(
    async (options: FeaturesOptions) => {
      process.exitCode = await features(options);
    },
  );
}

function notAnOption(command: Command, value: string, list: string[] = []): string[] {
  const isOption = command.options.some(({ long, short }) => value === long || value === short);
  if (isOption) throw new InvalidArgumentError(`A value is missing before ${value}.`);
  return [...list, value];
}

async function features({ image = [], text = [], textFile, ...options }: FeaturesOptions): Promise<number> {
  const listed = textFile === undefined ? [] : await readLines(textFile);
  const texts = [...text, ...listed];
  if (image.length === 0 && texts.length === 0) throw new UsageError('features needs --image FILE…, --text TEXT… or --text-file FILE.');
  return withInterrogator(toConfig(options, { caption: false }), async (interrogator, call) => {
    const { maxBatch } = interrogator.config;
    const line = { json: options.json, toText: ({ features: values }: FeaturesRecord) => [values.join(' ')], signal: call.signal };
    const images = imageWorks(image, (each) => imageRecord(interrogator, each, call));
    const failedImages = await printLines(images, { ...line, kind: 'image', concurrency: maxBatch });
    // While one part's lines are printed, the next one is worked on.
    return failedImages + (await printLines(textWorks(interrogator, texts, call), { ...line, kind: 'text', concurrency: 2 }));
  });
}

async function imageRecord(
  interrogator: Interrogator,
  image: Parameters<Interrogator['imageToFeatures']>[0],
  call: CommandCall,
): Promise<FeaturesRecord> {
  using values = await interrogator.imageToFeatures(image, call);
  return { features: Array.from(await values.toArray()) };
}

async function* textWorks(interrogator: Interrogator, texts: readonly string[], call: CommandCall): AsyncGenerator<Work<FeaturesRecord>> {
  for (let start = 0; start < texts.length; start += TEXTS_AT_ONCE) {
    const names = texts.slice(start, start + TEXTS_AT_ONCE);
    yield { names, run: () => textRecords(interrogator, names, call) };
  }
}

async function textRecords(interrogator: Interrogator, texts: readonly string[], call: CommandCall): Promise<FeaturesRecord[]> {
  using rows = await interrogator.textToFeatures(texts, call);
  const values = await rows.toArray();
  return texts.map((_, i) => ({ features: Array.from(values.subarray(i * rows.dim, (i + 1) * rows.dim)) }));
}
