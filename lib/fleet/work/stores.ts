/** The stores of a worker's runs. */
import type { RunSpec } from '../runs/spec';
import { openStore, type ResultStore } from '../store';

/**
 * One a run, for all of its shards: a folder is looked through for what killed writers have left there when its store first writes, and it
 * has a file for each shard; a bucket's connections are kept.
 */
export class Stores {
  private readonly held = new Map<string, Promise<ResultStore>>();

  /** Rejects with what openStore() rejects with; the next one tries again. */
  async of({ id, state }: RunSpec): Promise<ResultStore> {
    const held = this.held.get(id) ?? openStore(state);
    this.held.set(id, held);
    try {
      return await held;
    } catch (error) {
      if (this.held.get(id) === held) this.held.delete(id);
      throw error;
    }
  }

  /** Of one run, or all. Ends what is under way there. */
  async close(run?: string): Promise<void> {
    const ids = run === undefined ? [...this.held.keys()] : [run];
    for (const id of ids) {
      const held = this.held.get(id);
      this.held.delete(id);
      await held?.then((store) => store.close()).catch(() => {});
    }
  }
}
