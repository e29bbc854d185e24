/** torch-interrogator interrogate IMAGE|FOLDER|URL|-… */
import { type Command, Option } from 'commander';
import type { Mode } from '../../index';
import { IMAGE_ARGUMENTS, imageWorks } from '../inputs';
import { printLines } from '../lines';
import { addModelOptions, type ModelOptions, toConfig, wholeNumber } from '../options';
import { withInterrogator } from '../session';

type InterrogateOptions = ModelOptions & { mode: Mode; captionText?: string; minFlavors?: number; maxFlavors?: number };

/** Chains take turns instead of sharing passes: more at once would only let the first line come later. */
const CHAINS_AT_ONCE = 4;

export function addInterrogateCommand(program: Command): void {
  const command = program
    .command('interrogate')
    .description('write the prompt that would make an image like each of these')
    .argument(...IMAGE_ARGUMENTS)
    .addOption(
      new Option('--mode <mode>', 'how to build the prompt').choices(['best', 'fast', 'classic', 'negative', 'caption']).default('best'),
    )
    .option('--caption-text <text>', 'begin from this caption instead of generating one')
    .option('--min-flavors <n>', 'terms that best takes at least (default: 8)', wholeNumber(0))
    .option('--max-flavors <n>', 'terms at most (default: 32; classic: 3)', wholeNumber(0));
  addModelOptions(command).action(interrogate);
}

async function interrogate(args: readonly string[], options: InterrogateOptions, command: Command): Promise<void> {
  const { mode, captionText: caption, minFlavors, maxFlavors } = options;
  const fault = faultOf(options);
  if (fault) command.error(`error: ${fault}`);
  await withInterrogator(toConfig(options, { caption: mode !== 'negative' && !caption }), (interrogator, call) => {
    const described = { mode, caption, minFlavors, maxFlavors, ...call };
    const works = imageWorks(args, async (image) => ({ mode, ...(await interrogator.describe(image, described)) }));
    const { maxBatch } = interrogator.config;
    const concurrency = mode === 'best' || mode === 'negative' ? Math.min(CHAINS_AT_ONCE, maxBatch) : maxBatch;
    return printLines(works, { kind: 'image', json: options.json, toText: ({ prompt }) => [prompt], concurrency, signal: call.signal });
  });
}

/** What is wrong with the mode's options, before the models load, which may take long. */
function faultOf({ mode, caption, captionText, minFlavors, maxFlavors = 32 }: InterrogateOptions): string | undefined {
  if (mode !== 'negative' && !captionText && (caption === 'none' || caption === false)) {
    return `--mode ${mode} begins from a caption: name a caption model with --caption, or give --caption-text.`;
  }
  if (minFlavors === undefined) return undefined;
  if (mode !== 'best') return `--min-flavors is of --mode best alone; --mode ${mode} does not use it.`;
  return minFlavors > maxFlavors ? `--min-flavors ${minFlavors} is more than --max-flavors ${maxFlavors}.` : undefined;
}
