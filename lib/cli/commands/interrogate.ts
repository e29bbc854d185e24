/** torch-interrogator interrogate IMAGE|FOLDER|URL… */
import { type Command, Option } from 'commander';
import type { Interrogator } from '../../interrogator/interrogator';
import type { Mode } from '../../interrogator/options';
import { describeFailure, EXIT, failureRecord, UsageError } from '../failure';
import { type CommandInput, expandInputs, noImages } from '../inputs';
import { addModelOptions, type ModelOptions, toConfig, wholeNumber } from '../options';
import { withInterrogator } from '../session';

interface InterrogateOptions extends ModelOptions {
  mode: Mode;
  captionText?: string;
  minFlavors?: number;
  maxFlavors?: number;
}

export function addInterrogateCommand(program: Command): void {
  const command = program
    .command('interrogate')
    .description('write the prompt that would make an image like each of these')
    .argument('<image|folder|url...>', 'image files, folders of images (subfolders too), http(s) URLs')
    .addOption(
      new Option('--mode <mode>', 'how to build the prompt').choices(['best', 'fast', 'classic', 'negative', 'caption']).default('best'),
    )
    .option('--caption-text <text>', 'begin from this caption instead of generating one')
    .option('--min-flavors <n>', 'terms that best takes at least (default: 8)', wholeNumber(0))
    .option('--max-flavors <n>', 'terms at most (default: 32; classic: 3)', wholeNumber(0));
  addModelOptions(command, { caption: true }).action(async (images: string[], options: InterrogateOptions) => {
    process.exitCode = await interrogate(images, options);
  });
}

async function interrogate(args: readonly string[], options: InterrogateOptions): Promise<number> {
  const captionNeeded = options.mode !== 'negative' && !options.captionText;
  if (captionNeeded && options.caption === 'none') {
    throw new UsageError(`--mode ${options.mode} begins from a caption: name a caption model with --caption, or give --caption-text.`);
  }
  const config = toConfig(options, { captionNeeded });
  return withInterrogator(config, async (interrogator, signal) => {
    let inputs = 0;
    let failures = 0;
    for await (const input of expandInputs(args)) {
      inputs += 1;
      if (!(await describeOne(interrogator, input, options, signal))) failures += 1;
    }
    if (inputs === 0) throw noImages(args);
    return failures > 0 ? EXIT.failed : EXIT.ok;
  });
}

/** Prints one image's answer or failure; false when it failed. Ctrl-C ends the command, not one image. */
async function describeOne(
  interrogator: Interrogator,
  input: CommandInput,
  options: InterrogateOptions,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { prompt, caption, similarity, seconds } = await interrogator.describe(await input.open(signal), {
      mode: options.mode,
      caption: options.captionText,
      minFlavors: options.minFlavors,
      maxFlavors: options.maxFlavors,
      signal,
    });
    const record = { image: input.name, mode: options.mode, prompt, caption, similarity, seconds };
    console.log(options.json ? JSON.stringify(record) : prompt);
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    if (options.json) console.log(JSON.stringify({ image: input.name, error: failureRecord(error) }));
    else console.error(`${input.name}: ${describeFailure(error)}`);
    return false;
  }
}
