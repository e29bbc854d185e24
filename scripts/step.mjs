/** Steps of the set-up: a title, a command whose progress shows as a bar, and stamps that skip what is done. Node's own modules only. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const BUILD = path.join(ROOT, 'build');
export const PYTHON = process.env.PYTHON || 'python3';

/** An end that the reader can act on: printed without a stack. */
export class StepError extends Error {}

export function title(text) {
  process.stderr.write(`▸ ${text}\n`);
}

/** Runs the main function of a script: its number is the exit code, a StepError or an error of the package is printed plainly. */
export async function main(run) {
  try {
    process.exitCode = (await run()) ?? 0;
  } catch (error) {
    const plain = error instanceof StepError || String(error?.code).startsWith('ERR_');
    process.stderr.write(`\n✗ ${plain ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}

/** SHA-256 of files (whole folders, sorted) and of plain values. */
export function fingerprint(files, values = []) {
  const hash = createHash('sha256').update(JSON.stringify(values));
  for (const file of files.flatMap((name) => filesBelow(ROOT, name))) {
    hash.update(`${file}\0`).update(readFileSync(path.join(ROOT, file)));
  }
  return hash.digest('hex');
}

/** The files of a folder and of those in it, by their names from `root`; a file's own name. Those that fit the pattern, sorted. */
export function filesBelow(root, name, pattern = /./) {
  const whole = path.join(root, name);
  if (!existsSync(whole)) return [];
  if (!statSync(whole).isDirectory()) return [name];
  return readdirSync(whole, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Does the work unless it was done for the same input and its outputs are still there. */
export async function once(name, { input, outputs }, work) {
  const stamp = path.join(BUILD, 'stamps', name);
  const done = existsSync(stamp) && readFileSync(stamp, 'utf8') === input;
  if (done && outputs.every((file) => existsSync(path.join(ROOT, file)))) return;
  rmSync(stamp, { force: true });
  await work();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, input);
}

/**
 * Runs a command; its output is shown, or handed to `onOutput` as it comes. Resolves with the exit code; with `fail` (a sentence) a bad
 * one is a StepError.
 */
export function show(command, args, { fail, env, cwd = ROOT, onOutput } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = onOutput ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', onOutput);
    child.on('error', ({ message }) => reject(new StepError(`${command} could not be started: ${message}\n${fail ?? ''}`)));
    child.on('close', (code) => (code !== 0 && fail ? reject(new StepError(fail)) : resolve(code ?? 1)));
  });
}

/**
 * Runs a command quietly: a bar follows its `[done/total]` or `[ 42%]` lines, its output goes to build/logs/<name>.log,
 * and a failure prints the end of it.
 */
export async function quietly(name, command, args, options) {
  const log = path.join(BUILD, 'logs', `${name}.log`);
  mkdirSync(path.dirname(log), { recursive: true });
  writeFileSync(log, '');
  // Before npm ci there is no bar yet.
  const progress = (await import('cli-progress').catch(() => undefined))?.default;
  const format = `  ${name} {bar} {value}/{total} | {duration_formatted}`;
  const bar =
    progress &&
    new progress.SingleBar({ format, stream: process.stderr, noTTYOutput: true, notTTYSchedule: 20_000 }, progress.Presets.rect);
  const onOutput = (text) => {
    appendFileSync(log, text);
    const last = [...String(text).matchAll(/^\[\s*(\d+)(?:\/(\d+)|%)\]/gm)].at(-1);
    if (!bar || !last) return;
    const [done, total] = [Number(last[1]), Number(last[2] ?? 100)];
    if (bar.isActive) bar.setTotal(total);
    else bar.start(total, done);
    bar.update(done);
  };
  try {
    await show(command, args, { ...options, onOutput });
  } catch ({ message }) {
    const end = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-60);
    throw new StepError(`${end.join('\n')}\n\n${message}\nThe whole output: ${log}`);
  } finally {
    bar?.stop();
  }
}
