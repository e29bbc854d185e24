/** The processes of bench:serve-fleet: a Redis of its own, and workers that are pinned to a core each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { StepError } from '../../scripts/step.mjs';

const WORKER = fileURLToPath(new URL('fleet-worker.mjs', import.meta.url));

/** Debian's redis-server, as docs/fleet.md has it: with a log of its writes, and nothing that is thrown away. */
export async function startRedis() {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-redis-'));
  const port = await freePort();
  const settings = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...settings]);
  child.once('error', () => {
    throw new StepError('redis-server is needed: apt-get install redis-server.');
  });
  await said(child, /Ready to accept connections/);
  const stop = async () => {
    await kill(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: `redis://127.0.0.1:${port}`, stop };
}

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

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
