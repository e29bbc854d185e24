/** torch-interrogator rank IMAGE|FOLDER|URL|-… --labels FILE */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { rowToObject } from '../../index';
import { IMAGE_ARGUMENTS, pictureReaders, readLines, refuseSharedInput } from '../inputs';
import { addModelOptions, isOfCaptions, wholeNumber } from '../options';
import { toRunConfig } from '../run/config';
import { addPictureOptions, type PictureOptions, requirePictures, toRunOptions } from '../run/options';
import { runPictures } from '../run/pictures';

type RankOptions = PictureOptions & { labels: string; top: number; scores: 'cosine' | 'probability'; template?: string };

export function addRankCommand(program: Command): void {
  const command = program
    .command('rank')
    .description('rank a list of labels by how well they fit each image')
    .argument(...IMAGE_ARGUMENTS)
    .requiredOption('--labels <file>', 'text file, one label a line; - is standard input')
    .option('--top <n>', 'how many to print', wholeNumber(1), 10)
    .addOption(
      new Option('--scores <kind>', "what to print beside each label; probability is the model's own")
        .choices(['cosine', 'probability'])
        .default('cosine'),
    )
    .option('--template <text>', 'encode this in a label\'s place, with the label for {}: "a photo of {}"', template);
  addPictureOptions(command);
  const hide = (setting: string): boolean => isOfCaptions(setting) || setting.startsWith('flavor');
  addModelOptions(command, { hide, defaults: { ranking: 'global' } }).action(rank);
}

async function rank(args: readonly string[], options: RankOptions, command: Command): Promise<void> {
  requirePictures(args, options, command);
  refuseSharedInput(command, [...pictureReaders(args, options.from), ['--labels -', options.labels]]);
  const labels = await readLines(options.labels);
  if (labels.length === 0) command.error(`error: ${options.labels} has no labels: put one on each line.`);
  const { top: topCount, scores, template } = options;
  const task = { kind: 'rank' as const, labels, topCount, scores, ...(template !== undefined && { template }) };
  await runPictures(
    args,
    { ...toRunOptions(options), config: toRunConfig(options, { caption: false }), task },
    {
      ...options,
      toText: ({ ranked = [] }) => ranked.map(({ label, similarity, probability = similarity }) => `${numberText(probability)}\t${label}`),
      toObject: (row) => rowToObject(row),
    },
  );
}

function template(text: string): string {
  if (text.includes('{}')) return text;
  throw new InvalidArgumentError('expected a text with {}, such as "a photo of {}".');
}

/** Four digits behind the point; numbers that would be 0 so keep two digits. */
function numberText(value: number): string {
  return value !== 0 && Math.abs(value) < 5e-5 ? value.toExponential(1) : value.toFixed(4);
}
