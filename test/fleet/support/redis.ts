/** A real Redis for a test: Debian's redis-server, on a free port and in a folder of its own, with AOF. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';

export class TestRedis {
  private constructor(
    private readonly folder: string,
    readonly port: number,
    private readonly settings: readonly string[],
    private child: ChildProcess,
  ) {}

  /** `settings`: as on its command line: `['--maxmemory-policy', 'allkeys-lru']`. */
  static async start(...settings: readonly string[]): Promise<TestRedis> {
    const folder = mkdtempSync(path.join(tmpdir(), 'redis-'));
    const port = await freePort();
    return new TestRedis(folder, port, settings, await begin(folder, port, settings));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Forgets all that it holds. */
  async clear(): Promise<void> {
    const redis = new Redis(this.url);
    await redis.flushall();
    redis.disconnect();
  }

  /** As a crash ends it. */
  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** It takes connections, and says nothing. */
  async freeze(): Promise<void> {
    this.child.kill('SIGSTOP');
  }

  /** Of what it has on its disk. */
  async startAgain(): Promise<void> {
    this.child = await begin(this.folder, this.port, this.settings);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function begin(folder: string, port: number, settings: readonly string[]): Promise<ChildProcess> {
  const usual = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--appendonly', 'yes', '--save', ''];
  const child = spawn('redis-server', [...usual, ...settings], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (piece) => {
    log += piece;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`redis-server is needed (apt-get install redis-server): ${error.message}`)));
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${log}`)));
    child.stdout?.on('data', (piece) => {
      log += piece;
      if (/Ready to accept connections/.test(log)) resolve();
    });
  });
  child.removeAllListeners('exit');
  return child;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Stands between a fleet and its Redis, and cuts connections. */
export class TestProxy {
  private readonly sockets = new Set<Socket>();
  private isOpen = true;

  private constructor(private readonly server: Server) {}

  static async before({ port }: { port: number }): Promise<TestProxy> {
    const server = createServer();
    const proxy = new TestProxy(server);
    server.on('connection', (client) => {
      if (!proxy.isOpen) return client.destroy();
      const upstream = new Socket().connect(port, '127.0.0.1');
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        proxy.sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          proxy.sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as { port: number }).port}`;
  }

  /** All that are there, at once, in the middle of whatever they say. */
  cut(): void {
    for (const each of this.sockets) each.destroy();
  }

  /** Those that are there stay, and nothing that is said there is passed on any more; as of a machine that has lost its network. */
  silence(): void {
    for (const each of this.sockets) {
      each.unpipe();
      each.pause();
    }
  }

  /** Cuts, and lets nobody through until restore(). */
  block(): void {
    this.isOpen = false;
    this.cut();
  }

  restore(): void {
    this.isOpen = true;
  }

  async close(): Promise<void> {
    this.block();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}
