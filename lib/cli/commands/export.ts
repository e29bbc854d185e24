/** torch-interrogator export clip|caption NAME: runs the Python exporter in its own environment. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { bundleFolder } from '../../index';
import { EXIT } from '../failure';
import { wholeNumber } from '../options';

const EXPORTER = path.join(__dirname, '..', '..', '..', 'models', 'export');

export function addExportCommand(program: Command): void {
  const group = program
    .command('export')
    .description(
      'turn a Python model of an architecture that no graph covers into a bundle (with Python, 5 GB); pull and import need none',
    );
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
  for (const command of [clip, caption]) {
    command
      .option('--out <dir>', "the bundle's folder (default: its name in the bundle home)")
      .option('--checkpoint <path>', 'weights from this file or folder instead of the hub')
      .option('--untrained', 'random weights, for tests')
      .option('--seed <n>', 'seed of --untrained', wholeNumber(0))
      .addOption(new Option('--precision <how>', 'stored weights').choices(['fp32', 'fp16', 'bf16']))
      .option('--device <cpu|cuda>', 'where to run the check after exporting')
      .option('--debug', 'show stack traces')
      .action((name: string, options: Record<string, string | number | boolean>) => {
        process.exitCode = runExporter(command.name(), name, options);
      });
  }
}

/** In its environment, which is made where it is missing. Every option is the exporter's own, of the same name. */
function runExporter(kind: string, name: string, options: Record<string, string | number | boolean>): number {
  const environment = run(process.env.PYTHON || 'python3', [path.join(EXPORTER, 'environment.py')], 'pipe');
  if (environment.code !== 0) return EXIT.failed;
  // The last line is the interpreter.
  const python = environment.output.trim().split('\n').at(-1) as string;
  const given = { out: bundleFolder(name), ...options };
  const args = Object.entries<string | number | boolean>(given).flatMap(([option, value]) =>
    value === true ? `--${option}` : [`--${option}`, String(value)],
  );
  return run(python, ['-m', 'torch_interrogator_export', kind, name, ...args], 'inherit').code;
}

function run(file: string, args: string[], stdout: 'inherit' | 'pipe'): { code: number; output: string } {
  const PYTHONPATH = [EXPORTER, process.env.PYTHONPATH].filter(Boolean).join(path.delimiter);
  const env = { ...process.env, PYTHONPATH };
  const { error, status, signal, stdout: output } = spawnSync(file, args, { stdio: ['inherit', stdout, 'inherit'], env, encoding: 'utf8' });
  if (error) {
    console.error(`error: ${file} could not be started (${error.message}). Exporting needs Python 3.11: install it, or name it in PYTHON.`);
  } else if (signal) {
    const why = signal === 'SIGKILL' ? ', most likely because memory ran out' : '';
    console.error(`error: ${file} was ended by ${signal}${why}; nothing was kept. Run the command again.`);
  } else if (status && stdout === 'pipe') {
    console.error(
      `error: ${file} ended with code ${status}, and the exporter's environment is not made. PYTHON names another Python 3.11.`,
    );
  }
  return { code: status ?? EXIT.failed, output };
}
