/** A worker of a fleet as people start it, on one core. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, StepError } from '../../scripts/step.mjs';

export const MAIN = path.join(ROOT, 'dist', 'cli', 'main.js');

export class PinnedWorker {
  /** Shards that it has ended: `{at, pictures, seconds}`, the first by the clock of Date.now(). */
  shards = [];

  constructor(child, onShard) {
    this.child = child;
    this.ended = once(child, 'exit');
    createInterface({ input: child.stderr }).on('line', (line) => {
      const { time, event, pictures, failed, seconds, message } = line.startsWith('{') ? JSON.parse(line) : { message: line };
      if (event === 'shard') {
        if (failed > 0) throw new StepError(`${failed} pictures of a shard failed.`);
        this.shards.push({ at: Date.parse(time), pictures, seconds });
        onShard();
      } else if (event !== 'started' && /fail|lost|refus|error/i.test(`${event} ${message}`)) process.stderr.write(`  ${line}\n`);
    });
  }

  /** `cache`: the folder of the label embeddings, which workers share. `shards`: of them at the same time. */
  static start({ redis, core, cache, folder, shards, libtorch }, onShard) {
    const places = ['--redis', redis.url, '--cache', cache, '--work-dir', folder];
    const device = ['--device', 'cpu', '--threads', '1', '--shards', String(shards)];
    const args = ['-c', String(core), process.execPath, MAIN, 'worker', ...device, ...places, '--json'];
    const child = spawn('taskset', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LIBTORCH: libtorch } });
    child.once('error', ({ message }) => {
      throw new StepError(`taskset is needed (apt-get install util-linux): ${message}`);
    });
    return new PinnedWorker(child, onShard);
  }

  get pid() {
    return this.child.pid;
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
  }
}
