/** A Redis for a benchmark: on a free port, in a folder of its own, with a log of its writes as a fleet wants it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { StepError } from '../../../scripts/step.mjs';

/** As many files as a process may have open: most of a Redis for so many workers. Its log is not written anew, so that it can be measured. */
const LIMITS = ['--maxclients', '15000', '--auto-aof-rewrite-percentage', '0'];
const SETTINGS = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec', ...LIMITS];

export class BenchRedis {
  constructor(folder, port, child) {
    this.folder = folder;
    this.port = port;
    this.child = child;
  }

  static async start() {
    const folder = mkdtempSync(path.join(tmpdir(), 'bench-redis-'));
    const port = await freePort();
    const child = spawn('redis-server', ['--port', String(port), '--dir', folder, ...SETTINGS], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve, reject) => {
      child.once('error', ({ message }) => reject(new StepError(`redis-server is needed (apt-get install redis-server): ${message}`)));
      child.once('exit', (code) => reject(new StepError(`redis-server ended with ${code}.`)));
      child.stdout.on('data', (text) => /Ready to accept connections/.test(text) && resolve());
    });
    child.removeAllListeners('exit');
    return new BenchRedis(folder, port, child);
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.child.pid;
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
