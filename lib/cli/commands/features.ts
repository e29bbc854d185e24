/** torch-interrogator features --image FILE… | --text TEXT… */
import type { Command } from 'commander';
import type { Interrogator } from '../../interrogator/interrogator';
import { describeFailure, EXIT, failureRecord, UsageError } from '../failure';
import { type CommandInput, expandInputs } from '../inputs';
import { addModelOptions, type ModelOptions, toConfig } from '../options';
import { withInterrogator } from '../session';

interface FeaturesOptions extends ModelOptions {
  image?: string[];
  text?: string[];
}

interface FeaturesRecord {
  input: string;
  features?: number[];
  error?: { code: string; message: string };
}

export function addFeaturesCommand(program: Command): void {
  const command = program
    .command('features')
    .description('print the unit-length CLIP features of images or texts')
    .option('--image <file...>', 'image files, folders, http(s) URLs')
    .option('--text <text...>', 'texts');
  addModelOptions(command, { caption: false }).action(async (options: FeaturesOptions) => {
    process.exitCode = await features(options);
  });
}

async function features(options: FeaturesOptions): Promise<number> {
  if (!options.image && !options.text) throw new UsageError('features needs --image FILE… or --text TEXT….');
  return withInterrogator(toConfig(options, { captionNeeded: false }), async (interrogator, signal) => {
    const records: FeaturesRecord[] = [];
    for await (const input of expandInputs(options.image ?? [])) {
      records.push(await imageRecord(interrogator, input, signal));
    }
    records.push(...(await textRecords(interrogator, options.text ?? [], signal)));
    if (options.json) console.log(JSON.stringify(records));
    else for (const { input, features: values } of records) if (values) console.log(`${input}\t${values.join(' ')}`);
    return records.some(({ error }) => error) ? EXIT.failed : EXIT.ok;
  });
}

async function imageRecord(interrogator: Interrogator, input: CommandInput, signal: AbortSignal): Promise<FeaturesRecord> {
  try {
    const values = await interrogator.imageToFeatures(await input.open(signal), { signal });
    return { input: input.name, features: Array.from(await values.toArray()) };
  } catch (error) {
    if (signal.aborted) throw error;
    console.error(`${input.name}: ${describeFailure(error)}`);
    return { input: input.name, error: failureRecord(error) };
  }
}

async function textRecords(interrogator: Interrogator, texts: readonly string[], signal: AbortSignal): Promise<FeaturesRecord[]> {
  if (texts.length === 0) return [];
  const rows = await interrogator.textToFeatures(texts, { signal });
  const values = await rows.toArray();
  return texts.map((input, i) => ({
    input,
    features: Array.from(values.subarray(i * rows.dim, (i + 1) * rows.dim)),
  }));
}
