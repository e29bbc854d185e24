/** Workers as processes, and a door before them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { TestRedis } from '../../../fleet/support/redis';
import { type Served, served } from '../../served';

export class TestWorker {
  private constructor(private readonly child: ChildProcess) {}

  /** Resolves when its models are open. `env`: what it has besides its Redis. */
  static async start(redis: { url: string }, env: NodeJS.ProcessEnv = {}): Promise<TestWorker> {
    const child = spawn(process.execPath, [path.join(__dirname, 'worker.cjs')], {
      env: { ...process.env, REDIS: redis.url, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (piece) => (said += piece));
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`a worker ended with ${code}: ${said}`)));
      child.stdout?.on('data', () => /ready/.test(said) && resolve());
    });
    child.removeAllListeners('exit');
    return new TestWorker(child);
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** As an operator ends it. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
}

/** A server without a device; resolves when it sees so many workers. */
export async function door(redis: Pick<TestRedis, 'url'>, workers: number, options: Parameters<typeof served>[0] = {}): Promise<Served> {
  const server = await served({ redis: redis.url, localDevice: false, clip: undefined, caption: undefined, ...options } as never);
  await until(async () => (await server.get('/v1/status')).body.devices.length === workers);
  return server;
}

export async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50));
}
