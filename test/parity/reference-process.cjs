/** A process that is asked by JSON lines: one request a line, one answer a line. See reference/server.py. */
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');

class ReferenceProcess {
  #process;
  #waiting = new Map();
  #nextId = 0;
  #diagnostics = '';
  #ended;

  constructor(program, script, { echo = false, cwd } = {}) {
    this.#process = spawn(program, [script], { cwd, env: { ...process.env, PYTHONUNBUFFERED: '1' } });
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.#diagnostics = (this.#diagnostics + text).slice(-8000);
      if (echo) process.stderr.write(text);
    });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#settle(JSON.parse(line)));
    this.#process.on('error', (error) => this.#end(new Error(`The reference could not be started: ${error.message}`)));
    this.#process.on('close', (code) => this.#end(new Error(`The reference ended with code ${code}:\n${this.#diagnostics}`)));
    // A reference that ended is told of by its close event.
    this.#process.stdin.on('error', () => {});
  }

  call(name, args = {}) {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin.write(`${JSON.stringify({ id, call: name, arguments: args })}\n`);
    });
  }

  stop() {
    return new Promise((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) return resolve();
      this.#process.once('close', () => resolve());
      this.#process.kill('SIGKILL');
    });
  }

  #settle({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(`The reference failed: ${error}\n${this.#diagnostics}`));
  }

  #end(error) {
    this.#ended = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

module.exports = { ReferenceProcess };
