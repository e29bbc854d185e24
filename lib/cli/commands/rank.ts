/** torch-interrogator rank IMAGE --labels FILE */
import type { Command } from 'commander';
import { LabelTable } from '../../label-table';
import { loadList } from '../../vocabulary';
import { UsageError } from '../failure';
import { expandInputs } from '../inputs';
import { addModelOptions, type ModelOptions, toConfig, wholeNumber } from '../options';
import { withInterrogator } from '../session';

interface RankOptions extends ModelOptions {
  labels: string;
  top: number;
}

export function addRankCommand(program: Command): void {
  const command = program
    .command('rank')
    .description('rank a list of labels by how well they fit a picture')
    .argument('<image|url>', 'a picture file or an http(s) URL')
    .requiredOption('--labels <file>', 'text file, one label a line (UTF-8)')
    .option('--top <n>', 'how many to print', wholeNumber(1), 10);
  addModelOptions(command, { caption: false }).action(async (image: string, options: RankOptions) => {
    await rank(image, options);
  });
}

async function rank(image: string, options: RankOptions): Promise<void> {
  const labels = (await loadList(options.labels)).filter((label) => label !== '');
  if (labels.length === 0) throw new UsageError(`${options.labels} has no labels: put one on each line.`);
  const inputs = expandInputs([image]);
  const input = await inputs.next();
  if (input.done || !(await inputs.next()).done) throw new UsageError('rank takes one picture.');
  await withInterrogator(toConfig(options, { captionNeeded: false }), async (interrogator, signal) => {
    const features = await interrogator.imageToFeatures(await input.value.open(signal), { signal });
    const table = await LabelTable.create(labels, null, interrogator, { signal });
    const ranked = await table.rankScored(features, { topCount: options.top, signal });
    if (options.json) console.log(JSON.stringify(ranked));
    else for (const { label, similarity } of ranked) console.log(`${similarity.toFixed(4)}  ${label}`);
  });
}
