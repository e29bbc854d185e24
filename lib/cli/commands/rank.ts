/** torch-interrogator rank IMAGE|FOLDER|URL… --labels FILE */
import type { Command } from 'commander';
import type { Interrogator } from '../../interrogator/interrogator';
import { LabelTable, type RankedLabel } from '../../labels/label-table';
import { loadList } from '../../labels/vocabulary';
import { describeFailure, EXIT, failureRecord, UsageError } from '../failure';
import { type CommandInput, expandInputs, isFolder, noImages } from '../inputs';
import { addModelOptions, type ModelOptions, toConfig, wholeNumber } from '../options';
import { withInterrogator } from '../session';

interface RankOptions extends ModelOptions {
  labels: string;
  top: number;
}

export function addRankCommand(program: Command): void {
  const command = program
    .command('rank')
    .description('rank a list of labels by how well they fit each image')
    .argument('<image|folder|url...>', 'image files, folders of images (subfolders too), http(s) URLs')
    .requiredOption('--labels <file>', 'text file, one label a line (UTF-8)')
    .option('--top <n>', 'how many to print', wholeNumber(1), 10);
  addModelOptions(command, { caption: false }).action(async (images: string[], options: RankOptions) => {
    process.exitCode = await rank(images, options);
  });
}

async function rank(args: readonly string[], options: RankOptions): Promise<number> {
  const labels = (await loadList(options.labels)).filter((label) => label !== '');
  if (labels.length === 0) throw new UsageError(`${options.labels} has no labels: put one on each line.`);
  // The answer about one image needs no name beside it, and its failure is the command's.
  const alone = args.length === 1 && !(await isFolder(args[0] as string));
  return withInterrogator(toConfig(options, { captionNeeded: false }), async (interrogator, signal) => {
    const ranker = new Ranker(interrogator, labels, options.top, signal);
    let inputs = 0;
    let failures = 0;
    for await (const input of expandInputs(args)) {
      inputs += 1;
      try {
        const ranked = await ranker.rank(input);
        if (options.json) console.log(JSON.stringify(alone ? ranked : { image: input.name, ranked }));
        else printRanked(alone ? null : input.name, ranked);
      } catch (error) {
        if (signal.aborted || alone) throw error;
        failures += 1;
        if (options.json) console.log(JSON.stringify({ image: input.name, error: failureRecord(error) }));
        else console.error(`${input.name}: ${describeFailure(error)}`);
      }
    }
    if (inputs === 0) throw noImages(args);
    return failures > 0 ? EXIT.failed : EXIT.ok;
  });
}

/** Embeds the labels when there is a first image to rank them for: a wrong path costs no more than opening it. */
class Ranker {
  private table: LabelTable | undefined;

  constructor(
    private readonly interrogator: Interrogator,
    private readonly labels: readonly string[],
    private readonly topCount: number,
    private readonly signal: AbortSignal,
  ) {}

  async rank(input: CommandInput): Promise<RankedLabel[]> {
    const { interrogator, labels, topCount, signal } = this;
    const features = await interrogator.imageToFeatures(await input.open(signal), { signal });
    this.table ??= await LabelTable.create(labels, null, interrogator, { signal });
    return this.table.rankScored(features, { topCount, signal });
  }
}

function printRanked(image: string | null, ranked: readonly RankedLabel[]): void {
  if (image) console.log(image);
  for (const { label, similarity } of ranked) console.log(`${similarity.toFixed(4)}  ${label}`);
}
