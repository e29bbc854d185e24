/** A running reference: clip-interrogator 0.6.0 itself in a Python process, asked by JSON lines. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { exporterPython } from '../support/python';

export interface ReferenceMode {
  prompt: string;
  /** Each winner of rank_top on the way, whole prompts. */
  steps: string[];
}

interface Answer {
  id: number;
  result?: unknown;
  error?: string;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class Reference {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #diagnostics = '';

  private constructor(python: string) {
    this.#process = spawn(python, [path.join(__dirname, 'reference', 'server.py')], {
      env: { ...process.env, PYTHONUNBUFFERED: '1' },
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#diagnostics = (this.#diagnostics + text).slice(-8000);
    });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#settle(JSON.parse(line) as Answer));
    this.#process.on('close', (code) => {
      const error = new Error(`The reference ended with code ${code}:\n${this.#diagnostics}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  static async start(): Promise<Reference> {
    return new Reference(await exporterPython());
  }

  call<T>(name: string, args: Record<string, unknown> = {}): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#process.stdin.write(`${JSON.stringify({ id, call: name, arguments: args })}\n`);
    });
  }

  /** Ends the process; resolves when it is gone. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#process.exitCode !== null) return resolve();
      this.#process.once('close', () => resolve());
      this.#process.kill('SIGKILL');
    });
  }

  #settle({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(`The reference failed: ${error}\n${this.#diagnostics}`));
  }
}
