/** Parts of a decode thread's work that it must not be ended in the middle of. */
import { setTimeout } from 'node:timers/promises';

const FREE = 0;
const INSIDE = 1;
const CLOSED = 2;
const LOOK_MS = 1;

/** Between the thread, which goes through, and the one that ends it, which closes it before. */
export class Gate {
  constructor(readonly state: Int32Array = new Int32Array(new SharedArrayBuffer(4))) {}

  /** Runs `work`. Once the gate is closed it does not return: the thread waits for its end. */
  pass<T>(work: () => T): T {
    if (Atomics.compareExchange(this.state, 0, FREE, INSIDE) !== FREE) Atomics.wait(this.state, 0, CLOSED);
    try {
      return work();
    } finally {
      Atomics.store(this.state, 0, FREE);
    }
  }

  /** Resolves when nobody is inside, and nobody comes in any more. */
  async close(): Promise<void> {
    while (Atomics.compareExchange(this.state, 0, FREE, CLOSED) === INSIDE) await setTimeout(LOOK_MS);
  }
}
