/** torch-interrogator rank IMAGE|FOLDER|URL|-… --labels FILE */
import { createHash } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LabelTable, type RankedLabel } from '../../index';
import { IMAGE_ARGUMENTS, imageWorks, readLines } from '../inputs';
import { printLines } from '../lines';
import { addModelOptions, isOfCaptions, type ModelOptions, toConfig, wholeNumber } from '../options';
import { withInterrogator } from '../session';

type RankOptions = ModelOptions & { labels: string; top: number; scores: 'cosine' | 'probability'; template?: string };

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
  const hide = (setting: string): boolean => isOfCaptions(setting) || setting.startsWith('flavor');
  addModelOptions(command, { hide, defaults: { ranking: 'global' } }).action(rank);
}

async function rank(args: readonly string[], options: RankOptions, command: Command): Promise<void> {
  const labels = await readLines(options.labels);
  if (labels.length === 0) command.error(`error: ${options.labels} has no labels: put one on each line.`);
  await withInterrogator(toConfig(options, { caption: false }), async (interrogator, call) => {
    let table: Promise<LabelTable> | undefined;
    const works = imageWorks(args, async (image) => {
      using features = await interrogator.imageToFeatures(image, call);
      // Made for the first image that can be used: a wrong path costs no more than opening it.
      table ??= LabelTable.create(labels, tableName(labels, options.template), interrogator, {
        ...(options.template !== undefined && { template: options.template }),
        ...call,
      });
      return { ranked: await (await table).rankScored(features, { topCount: options.top, scores: options.scores, ...call }) };
    });
    const toText = ({ ranked }: { ranked: RankedLabel[] }) =>
      ranked.map(({ label, similarity, probability = similarity }) => `${numberText(probability)}\t${label}`);
    const concurrency = interrogator.config.maxBatch;
    return printLines(works, { kind: 'image', json: options.json, toText, concurrency, signal: call.signal });
  });
}

function template(text: string): string {
  if (text.includes('{}')) return text;
  throw new InvalidArgumentError('expected a text with {}, such as "a photo of {}".');
}

/** Four digits behind the point; numbers that would be 0 so keep two digits. */
function numberText(value: number): string {
  return value !== 0 && Math.abs(value) < 5e-5 ? value.toExponential(1) : value.toFixed(4);
}

/** By their content, so that the embeddings of a list are found again under whatever file name it has. */
function tableName(labels: readonly string[], template: string | undefined): string {
  const texts = template === undefined ? labels : [...labels, template];
  return `rank-${createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 16)}`;
}
