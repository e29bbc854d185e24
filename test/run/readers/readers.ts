/** Asks the packages in Python that people read outputs with. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PYTHON = process.env.READERS_PYTHON ?? path.join(__dirname, '..', '..', '..', 'build', 'readers', 'bin', 'python');

export class Readers {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    if (!existsSync(PYTHON)) throw new Error('There is no Python with the readers: run npm test once, which makes it.');
    this.child = spawn(PYTHON, [path.join(__dirname, 'read.py')], { env: { ...process.env, PYTHONIOENCODING: 'utf-8' } });
    this.child.stderr.resume();
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async read<T>(reader: string, ...args: string[]): Promise<T> {
    this.child.stdin.write(`${JSON.stringify({ reader, arguments: args })}\n`);
    const { value: line } = await this.lines.next();
    const { value, error } = JSON.parse(line as string) as { value: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return value;
  }

  end(): void {
    this.child.stdin.end();
  }
}
