/** A server of ours. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../../scripts/step.mjs';
import { Service } from './service.mjs';

export class Served extends Service {
  /** `args`: of `torch-interrogator serve`. Resolves when the models are open. */
  static async start(args) {
    const main = path.join(ROOT, 'dist', 'cli', 'main.js');
    const child = spawn(process.execPath, [main, 'serve', '--port', '0', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const lines = createInterface({ input: child.stderr });
    const said = [];
    const url = await new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        said.push(line);
        const [, found] = /is at (http\S+)/.exec(line) ?? [];
        if (found) resolve(found);
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${said.join('\n')}`)));
    });
    const served = new Served(child, url);
    await served.ready();
    return served;
  }

  async ready() {
    for (;;) {
      const { status } = await this.ask('/ready');
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  status() {
    return this.ask('/v1/status').then(({ body }) => body);
  }
}
