/** Runs the built command line as a user would. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';
import { run } from '../../lib/cli/program';

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export const MAIN = path.join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

export function runCommand(
  args: readonly string[],
  { env = {}, cwd, interruptAfterMs }: { env?: NodeJS.ProcessEnv; cwd?: string; interruptAfterMs?: number } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env }, cwd });
  if (interruptAfterMs !== undefined) setTimeout(() => child.kill('SIGINT'), interruptAfterMs);
  return collect(child);
}

/** As runCommand(), in this process: for what is decided before a model is loaded. */
export async function runHere(args: readonly string[]): Promise<CommandResult> {
  const printed = { stdout: '', stderr: '' };
  const spies: { mockRestore(): void }[] = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += text;
      return true;
    }),
  );
  spies.push(jest.spyOn(console, 'error').mockImplementation((text) => process.stderr.write(`${text}\n`)));
  spies.push(jest.spyOn(console, 'log').mockImplementation((text) => process.stdout.write(`${text}\n`)));
  const before = process.exitCode;
  try {
    process.exitCode = undefined;
    await run(args);
    return { code: Number(process.exitCode ?? 0), ...printed };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

/** What a process prints, and how it ends. */
export function collect(child: ChildProcessWithoutNullStreams): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The objects of an output with one JSON object a line. */
export function jsonLines<T>(stdout: string): T[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
