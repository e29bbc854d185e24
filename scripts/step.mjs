/** Steps of the set-up: a title, a command whose progress shows as a bar, and stamps that skip what is done. Node's own modules only. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  for (const file of files.flatMap((name) => filesBelow(path.join(ROOT, name)))) {
    hash.update(path.relative(ROOT, file)).update('\0').update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesBelow(file) {
  if (!existsSync(file)) return [];
  let entries;
  try {
    entries = readdirSync(file, { recursive: true, withFileTypes: true });
  } catch {
    return [file];
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Does the work unless it was done for the same input and its outputs are still there. */
export async function once(name, { input, outputs }, work) {
  const stamp = path.join(BUILD, 'stamps', name);
  const done = existsSync(stamp) && readFileSync(stamp, 'utf8') === input;
  if (done && outputs.every((file) => existsSync(path.join(ROOT, file)))) return false;
  rmSync(stamp, { force: true });
  await work();
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, input);
  return true;
}

/**
 * Runs a command with its output shown; `atEnd` in one piece, for one of several that run at the same time. Resolves with the exit
 * code; with `fail` (a sentence) a bad one is a StepError.
 */
export function show(command, args, { fail, env, cwd = ROOT, atEnd = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = atEnd ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } });
    const output = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part) => output.push(part));
    child.on('error', (error) => reject(new StepError(`${command} could not be started: ${error.message}`)));
    child.on('close', (code, signal) => {
      process.stdout.write(Buffer.concat(output));
      if (code !== 0 && fail) reject(new StepError(fail));
      else resolve(code ?? (signal ? 1 : 0));
    });
  });
}

/**
 * Runs a command quietly: a bar follows its `[done/total]` or `[ 42%]` lines, its output goes to build/logs/<name>.log,
 * and a failure prints the end of it.
 */
export async function quietly(name, command, args, { fail, env, cwd = ROOT } = {}) {
  const log = path.join(BUILD, 'logs', `${name}.log`);
  mkdirSync(path.dirname(log), { recursive: true });
  const file = createWriteStream(log);
  const bar = await createBar(name);
  const lines = [];
  const code = await new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const read = (text) => {
      file.write(text);
      lines.push(...String(text).split('\n').filter(Boolean));
      lines.splice(0, lines.length - 60);
      bar.follow(String(text));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', (error) => reject(new StepError(`${command} could not be started: ${error.message}\n${fail}`)));
    child.on('close', (status) => resolve(status ?? 1));
  }).finally(() => {
    bar.stop();
    file.end();
  });
  if (code !== 0) throw new StepError(`${lines.join('\n')}\n\n${fail}\nThe whole output: ${log}`);
}

async function createBar(name) {
  let bar;
  try {
    const { default: progress } = await import('cli-progress');
    bar = new progress.SingleBar(
      {
        format: `  ${name} {bar} {value}/{total} | {duration_formatted}`,
        stream: process.stderr,
        noTTYOutput: true,
        notTTYSchedule: 20_000,
      },
      progress.Presets.rect,
    );
  } catch {
    // Before npm ci there is no bar yet.
  }
  let started = false;
  return {
    follow(text) {
      const last = [...text.matchAll(/^\[\s*(\d+)(?:\/(\d+)|%)\]/gm)].at(-1);
      if (!bar || !last) return;
      const [done, total] = [Number(last[1]), Number(last[2] ?? 100)];
      if (!started) bar.start(total, done);
      else bar.setTotal(total);
      started = true;
      bar.update(done);
    },
    stop: () => started && bar.stop(),
  };
}
