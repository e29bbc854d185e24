/** torch-interrogator inspect DIR: what is twice in a set of pictures, what does not belong, what is missing. */
import { type Command, InvalidArgumentError } from 'commander';
import { inspectFolder, inspectionTables, writeInspection } from '../../index';
import { untilInterrupted } from '../interrupts';
import { onOneLine, print } from '../lines';
import { addModelOptions, isOfCaptions, type ModelOptions, toConfig, wholeNumber } from '../options';
import { tableLines } from '../run/table-lines';
import { eraseStatus, showStatus } from '../status';

interface InspectOptions extends ModelOptions {
  state?: string;
  sidecar: string;
  duplicateThreshold?: number;
  top: number;
  report?: string;
  quiet?: boolean;
}

/** In JSON there is room for more than on a terminal. */
const MOST = 100;

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .description('look for duplicates, odd pictures and captions that do not fit in a folder whose features a run has kept')
    .argument('<dir>', 'the folder of pictures')
    .option('--state <dir>', 'folder of what runs have kept (default: .torch-interrogator in the folder)')
    .option('--sidecar <ext>', 'what the text files beside the pictures end in', '.txt')
    .option('--duplicate-threshold <n>', 'pictures are near duplicates from this similarity on, up to 1 (default: 0.975)', similarityOf)
    .option('--top <n>', 'how many lines of each table to print', wholeNumber(1), 10)
    .option('--report <file>', 'write the tables, longer, as a page to look at: .html');
  addModelOptions(command, { hide: (setting) => isOfCaptions(setting) || /^(flavor|ranking|chunk)/.test(setting) }).action(inspect);
}

async function inspect(folder: string, options: InspectOptions, command: Command): Promise<void> {
  const { state, sidecar, duplicateThreshold, top, report, json } = options;
  const config = toConfig(options, { caption: false });
  // The default of other commands is not what was meant: the model that made the features is.
  const isNamed = command.getOptionValueSource('clip') !== 'default';
  const inspection = await untilInterrupted(async (signal) => {
    try {
      return await inspectFolder(folder, {
        config: { ...config, quiet: true, ...(!isNamed && { clipModelName: undefined }) },
        sidecar: sidecar.startsWith('.') ? sidecar : `.${sidecar}`,
        most: Math.max(top, MOST),
        ...(state !== undefined && { state }),
        ...(duplicateThreshold !== undefined && { duplicateThreshold }),
        signal,
        ...(!config.quiet && { onProgress: showStatus }),
      });
    } finally {
      eraseStatus();
    }
  });
  if (report !== undefined) await writeInspection(report, inspection);
  if (json) return print(JSON.stringify(inspection));
  const columns = process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY;
  for (const table of inspectionTables(inspection, top)) for (const line of tableLines(table, columns)) print(line);
  if (report !== undefined) print(`Written: ${onOneLine(report)}`);
}

function similarityOf(text: string): number {
  const value = Number(text);
  if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('expected a number above 0, up to 1.');
}
