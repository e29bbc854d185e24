/** A Redis, workers and commands for the tests of a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunView } from '../../../lib/fleet';
import { type CommandResult, runCommand } from '../../cli/command';
import { WorkerProcess } from './fleet-process';
import { TestRedis } from './redis';

export const MODELS = ['--clip', 'sample', '--caption', 'sample'] as const;

export class FleetSession {
  readonly workers: WorkerProcess[] = [];

  private constructor(
    readonly folder: string,
    readonly redis: TestRedis,
  ) {}

  static async start(): Promise<FleetSession> {
    return new FleetSession(mkdtempSync(path.join(os.tmpdir(), 'fleet-')), await TestRedis.start());
  }

  /** Label caches are shared. */
  startWorker(...options: readonly string[]): WorkerProcess {
    return this.startWorkerWith({}, ...options);
  }

  startWorkerWith(env: NodeJS.ProcessEnv, ...options: readonly string[]): WorkerProcess {
    const worker = WorkerProcess.start(this.redis.url, this.folder, options, env);
    this.workers.push(worker);
    return worker;
  }

  run(...args: readonly string[]): Promise<CommandResult> {
    return runCommand(args, { cwd: this.folder });
  }

  /** `run …` of the fleet. */
  fleet(...args: readonly string[]): Promise<CommandResult> {
    return this.run('run', ...args, '--redis', this.redis.url);
  }

  /** What one machine writes. */
  local(...args: readonly string[]): Promise<CommandResult> {
    return this.run('interrogate', ...args, ...MODELS, '--device', 'cpu', '--cache', 'cache', '--progress', 'none');
  }

  async submit(...args: readonly string[]): Promise<string> {
    const { stdout, stderr, code } = await this.fleet('submit', ...args, ...MODELS, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return (JSON.parse(stdout) as { run: string }).run;
  }

  async status(run: string): Promise<RunView> {
    return JSON.parse((await this.fleet('status', run, '--json')).stdout) as RunView;
  }

  async watch(run: string): Promise<RunView & { code: number | null }> {
    const { stdout, code } = await this.fleet('watch', run, '--json', '--progress', 'none');
    return { ...(JSON.parse(stdout) as RunView), code };
  }

  async stopWorkers(): Promise<void> {
    for (const each of this.workers.splice(0)) await each.end('SIGKILL');
  }

  async end(): Promise<void> {
    await this.stopWorkers();
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
