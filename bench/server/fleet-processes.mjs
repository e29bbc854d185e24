/** The workers of bench:serve-fleet, pinned to a core each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { StepError } from '../../scripts/step.mjs';

const WORKER = fileURLToPath(new URL('fleet-worker.mjs', import.meta.url));

/** Resolves when it takes requests. `kill()` ends it as a crash does. */
export async function startWorker(redis, core) {
  const child = spawn('taskset', ['-c', String(core), process.execPath, WORKER], { env: { ...process.env, REDIS: redis.url } });
  await said(child, /ready/);
  return { kill: () => kill(child) };
}

async function kill(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function said(child, words) {
  let text = '';
  await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece) => {
        text += piece;
        if (words.test(text)) resolve();
      });
    }
    child.once('exit', (code) => reject(new StepError(`a process ended with ${code}:\n${text}`)));
  });
}
