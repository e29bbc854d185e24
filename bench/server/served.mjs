/** A server of ours in a process of its own, and a client that asks it as others would. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { ROOT } from '../../scripts/step.mjs';

export class Served {
  #process;
  #agent = new Agent({ connections: 512, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

  constructor(process, url) {
    this.#process = process;
    this.url = url;
  }

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

  get pid() {
    return this.#process.pid;
  }

  async ready() {
    for (;;) {
      const { status } = await this.ask('/ready');
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** `body`: an object goes as JSON, a Buffer as `type`. */
  async ask(route, { body, type, method = body === undefined ? 'GET' : 'POST', headers = {}, signal } = {}) {
    const isJson = body !== undefined && !Buffer.isBuffer(body);
    const answer = await request(this.url + route, {
      method,
      dispatcher: this.#agent,
      ...(body !== undefined && { body: isJson ? JSON.stringify(body) : body }),
      headers: { ...(body !== undefined && { 'content-type': isJson ? 'application/json' : type }), ...headers },
      ...(signal && { signal }),
    });
    const text = await answer.body.text();
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: /json/.test(answer.headers['content-type'] ?? '') ? JSON.parse(text) : text,
    };
  }

  status() {
    return this.ask('/v1/status').then(({ body }) => body);
  }

  kill(signal) {
    this.#process.kill(signal);
  }

  /** Its exit code. */
  async ended() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'exit');
    await this.#agent.destroy();
    return this.#process.exitCode;
  }

  async stop() {
    this.kill('SIGTERM');
    return this.ended();
  }
}
