/** torch-interrogator interrogate IMAGE|FOLDER|URL|-… */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MODES, type Mode, type RunOptions, type RunTask, rowToObject } from '../../index';
import { IMAGE_ARGUMENTS, pictureReaders, refuseSharedInput } from '../inputs';
import { addModelOptions, type ModelOptions, wholeNumber } from '../options';
import { toRunConfig } from '../run/config';
import { addPictureOptions, type PictureOptions, requirePictures, toRunOptions } from '../run/options';
import { runPictures } from '../run/pictures';
import { previewPictures } from '../run/preview';
import { addTextOptions, type TextOptions, toTextOptions } from '../run/texts';

export interface InterrogateOptions extends PictureOptions, TextOptions, ModelOptions {
  mode: Mode[];
  captions?: number;
  captionText?: string;
  minFlavors?: number;
  maxFlavors?: number;
  similarity?: boolean;
}

/** What --captions N takes the first N of. */
const CAPTIONS: readonly Mode[] = ['caption', 'fast', 'classic', 'best'];

export function addInterrogateCommand(program: Command): void {
  const command = program.command('interrogate').description('write the prompt that would make an image like each of these');
  addInterrogateOptions(command).action(interrogate);
}

/** The pictures, what is made of them, and what is written. */
export function addInterrogateOptions(command: Command): Command {
  command
    .argument(...IMAGE_ARGUMENTS)
    .addOption(
      new Option('--mode <mode>', `how to build the prompt: ${MODES.join(', ')}; several, by commas, in one pass`)
        .argParser(modesOf)
        .default(['best'], 'best'),
    )
    .option(
      '--captions <n>',
      `so many texts a picture, a line each of its sidecar: of ${CAPTIONS.join(', ')}`,
      wholeNumber(1, CAPTIONS.length),
    )
    .option('--caption-text <text>', 'begin from this caption instead of generating one')
    .option('--min-flavors <n>', 'terms that best takes at least (default: 8)', wholeNumber(0))
    .option('--max-flavors <n>', 'terms at most (default: 32; classic: 3)', wholeNumber(0))
    .option('--similarity', 'say how similar each text is to its picture, for which texts are encoded (default: with --json and --report)');
  addPictureOptions(command, {
    excludes: 'leave out files that fit a glob (with *, ?, [ or {), or a term, the terms of a file, or /regex/',
  });
  addTextOptions(command);
  return addModelOptions(command);
}

/** What the options of interrogate come to. Ends the command where they contradict each other. */
export async function interrogateRun(
  args: readonly string[],
  options: InterrogateOptions,
  command: Command,
  { similarities }: { similarities: boolean | undefined },
): Promise<RunOptions> {
  requirePictures(args, options, command);
  refuseSharedInput(command, pictureReaders(args, options.from));
  const fault = faultOf(options, command.getOptionValueSource('mode') !== 'default');
  if (fault) command.error(`error: ${fault}`);
  const { captionText, minFlavors, maxFlavors } = options;
  const modes = options.captions === undefined ? options.mode : CAPTIONS.slice(0, options.captions);
  const texts = await toTextOptions(options);
  const task: RunTask = {
    kind: 'interrogate',
    modes,
    ...(captionText && { caption: captionText }),
    ...(minFlavors !== undefined && { minFlavors }),
    ...(maxFlavors !== undefined && { maxFlavors }),
    // On a page the run wants them by itself.
    ...(similarities && { similarities }),
  };
  return { ...toRunOptions(options), ...texts, config: toRunConfig(options), task };
}

async function interrogate(args: readonly string[], options: InterrogateOptions, command: Command): Promise<void> {
  const run = await interrogateRun(args, options, command, { similarities: options.similarity || options.json });
  if (options.dryRun) return previewPictures(args, run);
  await runPictures(args, run, {
    ...options,
    toText: ({ texts = [] }) =>
      texts.map(({ mode, text, similarity }) => {
        const columns = [...(texts.length > 1 ? [mode] : []), ...(similarity === undefined ? [] : [similarity.toFixed(4)]), text];
        return columns.join('\t');
      }),
    toObject: (row) => rowToObject(row),
  });
}

function modesOf(text: string): Mode[] {
  const modes = text.split(',').map((each) => each.trim());
  const wrong = modes.find((mode) => !(MODES as readonly string[]).includes(mode));
  if (wrong !== undefined) throw new InvalidArgumentError(`Allowed choices are ${MODES.join(', ')}.`);
  return [...new Set(modes)] as Mode[];
}

/** What is wrong with the mode's options, before the models load, which may take long. */
function faultOf(options: InterrogateOptions, isModeGiven: boolean): string | undefined {
  const { mode, caption, captionText, captions, minFlavors, maxFlavors = 32 } = options;
  if (captions !== undefined && isModeGiven) {
    return `--captions ${captions} and --mode ${mode.join()} both say which texts a picture has: give one of the two.`;
  }
  const named = mode.find((each) => each !== 'negative');
  if ((named || captions) && !captionText && (caption === 'none' || caption === false)) {
    return `--mode ${named ?? 'caption'} begins from a caption: name a caption model with --caption, or give --caption-text.`;
  }
  if (minFlavors === undefined) return undefined;
  if (!mode.includes('best')) return `--min-flavors is of --mode best alone; --mode ${mode.join()} does not use it.`;
  return minFlavors > maxFlavors ? `--min-flavors ${minFlavors} is more than --max-flavors ${maxFlavors}.` : undefined;
}
