/** Asks a server with the clients in Python that people have. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PYTHON = process.env.CLIENTS_PYTHON ?? path.join(__dirname, '..', '..', '..', 'build', 'clients', 'bin', 'python');

/** What a client throws. */
export class ClientError extends Error {}

export class Clients {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    if (!existsSync(PYTHON)) throw new Error('There is no Python with the clients: run npm test once, which makes it.');
    this.child = spawn(PYTHON, [path.join(__dirname, 'ask.py')], { env: { ...process.env, PYTHONIOENCODING: 'utf-8' } });
    this.child.stderr.resume();
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Rejects with a ClientError whose name is the class of what the client threw. */
  async ask<T>(call: string, ...args: unknown[]): Promise<T> {
    this.child.stdin.write(`${JSON.stringify({ call, arguments: args })}\n`);
    const { value: line } = await this.lines.next();
    const { value, error } = JSON.parse(line as string) as { value: T; error?: { name: string; message: string } };
    if (error) throw Object.assign(new ClientError(error.message), { name: error.name });
    return value;
  }

  end(): void {
    this.child.stdin.end();
  }
}
