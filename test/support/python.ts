/** The Python that exports bundles and runs the reference. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export const REPOSITORY = path.join(__dirname, '..', '..');
export const EXPORTER = path.join(REPOSITORY, 'models', 'export');

const run = promisify(execFile);
let found: Promise<string> | undefined;

/** The interpreter of the exporter's environment: INTERROGATOR_PYTHON, a .venv beside the exporter, else its own, made on first use. */
export function exporterPython(): Promise<string> {
  found ??= find();
  return found;
}

async function find(): Promise<string> {
  if (process.env.INTERROGATOR_PYTHON) return process.env.INTERROGATOR_PYTHON;
  const beside = path.join(EXPORTER, '.venv', 'bin/python');
  if (existsSync(beside)) return beside;
  const system = process.env.PYTHON || 'python3';
  const { stdout } = await run(system, [path.join(EXPORTER, 'environment.py')], { maxBuffer: 1 << 28 });
  return stdout.trim().split('\n').at(-1) as string;
}

/** Runs Python with the exporter on its path, in the folder `cwd`; stdout. A failure carries what it printed. */
export async function runPython(args: readonly string[], { cwd }: { cwd?: string } = {}): Promise<string> {
  const python = await exporterPython();
  const env = { ...process.env, PYTHONPATH: EXPORTER, PYTHONIOENCODING: 'utf-8' };
  try {
    return (await run(python, [...args], { cwd, env, maxBuffer: 1 << 28 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`python ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}
