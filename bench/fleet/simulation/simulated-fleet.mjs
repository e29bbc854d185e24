/** Many simulated workers in some processes, and what they tell. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CHILD = path.join(path.dirname(fileURLToPath(import.meta.url)), 'simulated-workers.mjs');

export class SimulatedFleet {
  /**
   * `{shard, at, readyAt, begins, ends, place}` and `{shard, at, worker, place}`, moments by Date.now(): when a worker took a shard, since when it was
   * there, when the device is at it; when all was told to Redis. `place` is of the process.
   */
  begun = [];
  ended = [];
  /** In milliseconds. */
  handovers = [];
  completions = [];
  /** How often workers complained of what. */
  troubles = {};
  #children = [];

  /** `workers` in so many processes, as alike as can be; resolves once all of them look for work. */
  static async start({ workers, processes, ...settings }) {
    const fleet = new SimulatedFleet();
    for (let place = 0; place < processes; place += 1) {
      const count = Math.floor(workers / processes) + (place < workers % processes ? 1 : 0);
      // Each one begins alone: those that load the same modules at the same time on two cores only wait for each other.
      await fleet.#begin(place, { ...settings, place, workers: count });
    }
    return fleet;
  }

  async #begin(place, settings) {
    const child = fork(CHILD, [JSON.stringify(settings)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#children.push(child);
    await new Promise((resolve, reject) => {
      child.on('message', ({ ready, news }) => {
        if (ready !== undefined) resolve();
        else this.#hear(news, place);
      });
      child.once('exit', (code) => reject(new Error(`a process of simulated workers ended with ${code}`)));
    });
    child.removeAllListeners('exit');
  }

  #hear({ begun, ended, handovers, completions, troubles }, place) {
    for (const each of begun) this.begun.push({ ...each, place });
    for (const each of ended) this.ended.push({ ...each, place });
    this.handovers.push(...handovers);
    this.completions.push(...completions);
    for (const each of troubles) {
      const kind = each.replace(/shard-\d+-\d+|\b[a-z2-9]{10}\b/g, '…');
      this.troubles[kind] = (this.troubles[kind] ?? 0) + 1;
    }
  }

  get pids() {
    return this.#children.map(({ pid }) => pid);
  }

  /** As a machine ends that loses its power. */
  async kill(place) {
    const child = this.#children[place];
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async stop() {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }
}
