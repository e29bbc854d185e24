/** Workers of a fleet as processes of their own, over the built package. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { MAIN } from '../../cli/command';

export interface WorkerLine {
  event: string;
  run?: string;
  shard?: number;
  message?: string;
  [more: string]: unknown;
}

export class WorkerProcess {
  readonly lines: WorkerLine[] = [];
  private readonly listeners = new Set<() => void>();

  private constructor(readonly child: ChildProcess) {
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (text) => {
      this.lines.push(text.startsWith('{') ? (JSON.parse(text) as WorkerLine) : { event: 'text', message: text });
      for (const each of this.listeners) each();
    });
  }

  static start(redis: string, folder: string, options: readonly string[] = [], env: NodeJS.ProcessEnv = {}): WorkerProcess {
    const usual = ['worker', '--redis', redis, '--device', 'cpu', '--threads', '1', '--json'];
    const places = ['--cache', path.join(folder, 'cache'), '--work-dir', path.join(folder, 'work')];
    const args = [MAIN, ...usual, ...places, ...options];
    return new WorkerProcess(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } }));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves with the first line, of those that came and those that come, that fits. */
  async said(fits: (line: WorkerLine) => boolean): Promise<WorkerLine> {
    for (;;) {
      const found = this.lines.find(fits);
      if (found) return found;
      await new Promise<void>((resolve) => {
        const heard = (): void => {
          this.listeners.delete(heard);
          resolve();
        };
        this.listeners.add(heard);
      });
    }
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.hasEnded) {
      const ended = once(this.child, 'exit');
      this.child.kill(signal);
      await ended;
    }
    return this.child.exitCode;
  }
}
