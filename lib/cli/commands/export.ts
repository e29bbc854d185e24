/** torch-interrogator export clip|caption NAME: runs the Python exporter in its own environment. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { bundleFolder } from '../../index';
import { EXIT } from '../failure';
import { wholeNumber } from '../options';

interface ExportOptions {
  out?: string;
  checkpoint?: string;
  untrained?: boolean;
  seed?: number;
  config?: string;
  precision?: string;
  vocabulary?: string;
  device?: string;
  debug?: boolean;
}

const EXPORTER = path.join(__dirname, '..', '..', '..', 'models', 'export');

export function addExportCommand(program: Command): void {
  const group = program.command('export').description('turn a Python model into a bundle that runs without Python');
  const clip = group
    .command('clip')
    .description('an open_clip model, for example ViT-L-14/openai')
    .argument('<model/tag>', 'open_clip name; an empty tag (ViT-B-32/) has no pretrained weights')
    .option('--config <file>', 'open_clip model config (JSON) for a name that it does not know')
    .option('--vocabulary <dir|none>', "term lists to put in the bundle (default: clip-interrogator's)");
  const caption = group
    .command('caption')
    .description('a caption model: blip-base, blip-large, or any name with --checkpoint')
    .argument('<name>', 'caption model name');
  for (const [kind, command] of [
    ['clip', clip],
    ['caption', caption],
  ] as const) {
    command
      .option('--out <dir>', "the bundle's folder (default: its name in the bundle home)")
      .option('--checkpoint <path>', 'weights from this file or folder instead of the hub')
      .option('--untrained', 'random weights, for tests')
      .option('--seed <n>', 'seed of --untrained', wholeNumber(0))
      .addOption(new Option('--precision <how>', 'stored weights').choices(['fp32', 'fp16', 'bf16']))
      .option('--device <cpu|cuda>', 'where to run the check after exporting')
      .option('--debug', 'show stack traces')
      .action(async (name: string, options: ExportOptions) => {
        process.exitCode = await runExporter(kind, name, options);
      });
  }
}

async function runExporter(kind: string, name: string, options: ExportOptions): Promise<number> {
  const python = await exporterPython();
  if (!python) return EXIT.failed;
  const out = options.out ?? bundleFolder(name);
  const args = ['-m', 'torch_interrogator_export', kind, name, '--out', out];
  for (const key of ['checkpoint', 'seed', 'config', 'precision', 'vocabulary', 'device'] as const) {
    if (options[key] !== undefined) args.push(`--${key}`, String(options[key]));
  }
  if (options.untrained) args.push('--untrained');
  if (options.debug) args.push('--debug');
  const pythonPath = [EXPORTER, process.env.PYTHONPATH].filter(Boolean).join(path.delimiter);
  const { code } = await run(python, args, { stdout: 'inherit', env: { ...process.env, PYTHONPATH: pythonPath } });
  return code;
}

/** Makes the exporter's environment where it is missing; its last line of output is the interpreter. */
async function exporterPython(): Promise<string | undefined> {
  const launcher = process.env.PYTHON || 'python3';
  const { code, output } = await run(launcher, [path.join(EXPORTER, 'environment.py')], { stdout: 'pipe' });
  return code === 0 ? output.trim().split('\n').at(-1) : undefined;
}

function run(
  file: string,
  args: string[],
  { stdout, env = process.env }: { stdout: 'inherit' | 'pipe'; env?: NodeJS.ProcessEnv },
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['inherit', stdout, 'inherit'], env });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', (error) => {
      console.error(
        `error: ${file} could not be started (${error.message}). Exporting needs Python 3.11: install it, or name it in PYTHON.`,
      );
      resolve({ code: EXIT.failed, output });
    });
    child.on('close', (code) => resolve({ code: code ?? EXIT.failed, output }));
  });
}
