/** A server in a process of its own, and a client that asks it as others would. */
import { once } from 'node:events';
import { Agent, request } from 'undici';

export class Service {
  #process;
  #agent = new Agent({ connections: 512, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

  constructor(process, url) {
    this.#process = process;
    this.url = url;
  }

  get pid() {
    return this.#process.pid;
  }

  /** Whether the process is gone. */
  get hasEnded() {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
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

  kill(signal) {
    this.#process.kill(signal);
  }

  /** Its exit code. */
  async ended() {
    if (!this.hasEnded) await once(this.#process, 'exit');
    await this.#agent.destroy();
    return this.#process.exitCode;
  }

  async stop() {
    this.kill('SIGTERM');
    return this.ended();
  }
}
