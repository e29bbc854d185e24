/** Long work on many small things, in slices: what else the process does gets its turn between them. */
import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 2;

export class Turns {
  private since = performance.now();

  /** To be awaited after each small step. */
  async pass(): Promise<void> {
    if (performance.now() - this.since < SLICE_MS) return;
    await nextTurn();
    this.since = performance.now();
  }
}
