/** torch-interrogator models: every name, what it needs, and what of it is on this machine. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type BundleKind, type Comparison, generatorNotes, type ImageGenerator, type ModelStatus, modelStatuses } from '../../index';
import { bytesText } from '../bytes-text';

interface Options {
  kind?: BundleKind;
  installed?: boolean;
  text?: string;
  maxMemory?: number;
  for?: ImageGenerator;
  json?: boolean;
}

export function addModelsCommand(program: Command): void {
  program
    .command('models')
    .description('list models: what each needs, and which are on this machine')
    .addOption(new Option('--kind <kind>', 'only these').choices(['clip', 'caption']))
    .option('--installed', 'only what is on this machine')
    .addOption(new Option('--text <tower>', 'only CLIP models with this kind of text tower').choices(TEXT_TOWERS))
    .option('--max-memory <size>', 'only what takes at most so much memory when loaded: 2GB, 800MB', bytesOf)
    .addOption(new Option('--for <generator>', 'only what suits prompts for this image generator').choices(Object.keys(GENERATORS)))
    .option('--json', 'print JSON')
    .addHelpText('after', () => `\n${Object.values(generatorNotes()).join('\n')}`)
    .action(async (options: Options) => {
      const models = (await modelStatuses()).filter((model) => fits(model, options));
      if (options.json) console.log(JSON.stringify(models));
      else for (const line of table(models)) console.log(line);
    });
}

function fits({ kind, installed, tower, memory, generators }: ModelStatus, options: Options): boolean {
  if (options.kind && kind !== options.kind) return false;
  if (options.installed && installed === null) return false;
  if (options.for && !generators?.includes(options.for)) return false;
  if (options.text && tower?.text !== options.text) return false;
  return options.maxMemory === undefined || (memory !== undefined && memory <= options.maxMemory);
}

/** The catalog's kinds: CLIP's own tower, the same over another tokenizer, and towers whose tokens see the whole text. */
const TEXT_TOWERS = ['causal', 'multilingual', 'bidirectional'];

const GENERATORS: Record<ImageGenerator, string> = { sd1: 'SD 1', sd2: 'SD 2', sdxl: 'SDXL' };

const UNITS: Record<string, number> = { '': 1, K: 1e3, M: 1e6, G: 1e9 };

/** `2GB`, `1.5g`, `800 MB`, or a number of bytes. */
function bytesOf(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)b?$/i.exec(text.trim()) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected a size such as 2GB or 800MB.');
  return Number(number) * (UNITS[unit.toUpperCase()] as number);
}

const COLUMNS = ['kind', 'name', 'text tower', 'parameters', 'width', 'image', 'to fetch', 'memory', 'compared', 'for', 'here'];

function table(models: readonly ModelStatus[]): string[] {
  const rows = [COLUMNS, ...models.map(rowOf)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
}

function rowOf(model: ModelStatus): string[] {
  const { kind, name, tower, parameters, embedDim, imageSize, bytes, memory, verified, generators = [] } = model;
  return [
    kind,
    name,
    tower?.text ?? '',
    parameters === undefined ? '' : `${Math.round(parameters / 1e6)} M`,
    String(embedDim ?? ''),
    imageSize ? imageSize.join('×') : '',
    bytes === undefined ? '' : bytesText(bytes),
    memory === undefined ? '' : bytesText(memory),
    comparisonText(verified?.full ?? verified?.reduced),
    generators.map((generator) => GENERATORS[generator]).join(', '),
    whereabouts(model),
  ];
}

/** How far its features are from the reference's at most, or that its captions are the same. */
function comparisonText(comparison: Comparison | undefined): string {
  if (!comparison) return '';
  const { image = 0, text = 0, tokens, depth } = comparison;
  const found = tokens === undefined ? Math.max(image, text).toExponential(0) : 'same tokens';
  return depth === undefined ? found : `${found}, ${depth} layers`;
}

function whereabouts({ installed, graph, repository, runnable }: ModelStatus): string {
  if (installed !== null) return runnable ? installed : `${installed} (cannot run: see doctor)`;
  if (!graph) return 'not supported by this version';
  return repository === undefined ? 'random weights: none were published' : '';
}
