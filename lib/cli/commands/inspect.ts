/** torch-interrogator inspect DIR: what is twice in a set, what does not belong, which captions do not fit. */
import type { Command } from 'commander';
import { inspectFolder, writeInspection } from '../../index';
import { addModelOptions, isOfCaptions, type ModelOptions, toConfig } from '../options';
import { inspectionLines } from '../run/inspection-lines';
import { onInterrupts } from '../run/interrupts';
import { eraseStatus, showStatus } from '../status';

type InspectCommandOptions = ModelOptions & { state?: string; sidecar: string; report?: string };

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .description('look over a set whose image features are there: duplicates, odd ones, captions that do not fit, shared terms')
    .argument('<dir>', 'the folder that interrogate, rank or features was run over')
    .option('--state <dir>', 'the state folder of that run')
    .option('--sidecar <ext>', 'the suffix of the text files beside the pictures', '.txt')
    .option('--report <file>', 'write a page to look at: .html');
  const hide = (setting: string): boolean =>
    isOfCaptions(setting) || /^(flavor|ranking|chunk|maxPixels|orientation|background|truncated)/.test(setting);
  addModelOptions(command, { hide }).action(inspect);
}

async function inspect(folder: string, options: InspectCommandOptions): Promise<void> {
  const { state, sidecar, report, json } = options;
  const ending = new AbortController();
  const leave = onInterrupts(() => ending.abort());
  try {
    const inspection = await inspectFolder(folder, {
      config: toConfig(options, { caption: false }),
      ...(state !== undefined && { state }),
      sidecar: sidecar.startsWith('.') ? sidecar : `.${sidecar}`,
      signal: ending.signal,
      ...(!options.quiet && { onProgress: showStatus }),
    });
    eraseStatus();
    if (report !== undefined) await writeInspection(report, folder, inspection);
    if (json) console.log(JSON.stringify(inspection));
    else for (const line of inspectionLines(inspection, process.stdout.columns || 80)) console.log(line);
  } finally {
    leave();
    eraseStatus();
  }
}
