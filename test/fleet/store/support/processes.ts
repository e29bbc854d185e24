/** Processes that write to a store. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const PROGRAM = path.join(__dirname, 'put-process.cjs');

type Message = { ready?: true; halted?: string; name?: string; written?: boolean };

export class Writer {
  private readonly messages: Message[] = [];
  private heard: () => void = () => {};

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message) => {
      this.messages.push(message as Message);
      this.heard();
    });
    child.on('exit', () => this.heard());
  }

  /** Resolves when it has opened the store. `env`: see put-process.cjs. */
  static async start(location: string, env: Readonly<Record<string, string>> = {}): Promise<Writer> {
    const writer = new Writer(fork(PROGRAM, [location], { env: { ...process.env, ...env } }));
    expect(await writer.next()).toEqual({ ready: true });
    return writer;
  }

  begin(name: string, file: string): void {
    this.child.send({ name, file });
  }

  async next(): Promise<Message> {
    while (this.messages.length === 0) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error('It has ended.');
      await new Promise<void>((resolve) => {
        this.heard = resolve;
      });
    }
    return this.messages.shift() as Message;
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** A pipe with a name: who reads it waits for its next bytes. */
export function makePipe(file: string): string {
  execFileSync('mkfifo', [file]);
  return file;
}
