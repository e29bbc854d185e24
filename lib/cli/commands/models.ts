/** torch-interrogator models: every name, what it needs, and what of it is on this machine. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type BundleKind, type ModelStatus, modelStatuses } from '../../index';
import { bytesText } from '../bytes-text';

interface Options {
  kind?: BundleKind;
  installed?: boolean;
  text?: string;
  maxMemory?: number;
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
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const models = (await modelStatuses()).filter((model) => fits(model, options));
      if (options.json) console.log(JSON.stringify(models));
      else for (const line of table(models)) console.log(line);
    });
}

function fits({ kind, installed, tower, memory }: ModelStatus, options: Options): boolean {
  if (options.kind && kind !== options.kind) return false;
  if (options.installed && installed === null) return false;
  if (options.text && tower?.text !== options.text) return false;
  return options.maxMemory === undefined || (memory !== undefined && memory <= options.maxMemory);
}

/** As the catalog says: CLIP's own, the same over another tokenizer, and those of language models. */
const TEXT_TOWERS = ['causal', 'multilingual', 'bidirectional'];

const UNITS: Record<string, number> = { '': 1, K: 1e3, M: 1e6, G: 1e9 };

/** `2GB`, `1.5g`, `800 MB`, or a number of bytes. */
function bytesOf(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)b?$/i.exec(text.trim()) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected a size such as 2GB or 800MB.');
  return Number(number) * (UNITS[unit.toUpperCase()] as number);
}

const COLUMNS = ['kind', 'name', 'text tower', 'parameters', 'width', 'image', 'to fetch', 'memory', 'here'];

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

function rowOf({ kind, name, tower, parameters, embedDim, imageSize, bytes, memory, installed, graph, runnable }: ModelStatus): string[] {
  const here = installed ?? (graph ? '' : 'not supported by this version');
  return [
    kind,
    name,
    tower?.text ?? '',
    parameters === undefined ? '' : `${Math.round(parameters / 1e6)} M`,
    String(embedDim ?? ''),
    imageSize ? imageSize.join('×') : '',
    bytes === undefined ? '' : bytesText(bytes),
    memory === undefined ? '' : bytesText(memory),
    installed !== null && !runnable ? `${here} (cannot run: see doctor)` : here,
  ];
}
