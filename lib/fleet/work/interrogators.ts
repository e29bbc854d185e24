/** The models of a worker's runs: loaded for the first run that needs them, and let go when another one needs others. */
import { Config, type ConfigInput, Interrogator, type ProgressListener } from '../../index';

interface Held {
  users: number;
  made: Promise<Interrogator>;
}

export interface Lent extends Disposable {
  interrogator: Interrogator;
}

/** Models that the process has for other work, where a run's are the same. */
export type Lender = (shared: ConfigInput) => Promise<Lent> | undefined;

export class Interrogators {
  private readonly held = new Map<string, Held>();

  constructor(
    /** Of this machine: device, threads, where label embeddings are kept. */
    private readonly own: ConfigInput,
    private readonly onProgress: ProgressListener,
    private readonly lender: Lender = () => undefined,
  ) {}

  /** Rejects with what Interrogator.create() rejects with, for all who wait for the same; the next one tries again. */
  async lend(shared: ConfigInput): Promise<Lent> {
    const lent = this.lender(shared);
    if (lent) return lent;
    const key = JSON.stringify(Object.entries(shared).sort(([a], [b]) => (a < b ? -1 : 1)));
    let held = this.held.get(key);
    if (!held) {
      await this.disposeIdle();
      const config = new Config({ ...shared, ...this.own, quiet: true });
      held = this.held.get(key) ?? { users: 0, made: Interrogator.create(config, { onProgress: this.onProgress }) };
      this.held.set(key, held);
    }
    held.users += 1;
    try {
      const interrogator = await held.made;
      return { interrogator, [Symbol.dispose]: leaving(held) };
    } catch (error) {
      held.users -= 1;
      if (this.held.get(key) === held) this.held.delete(key);
      throw error;
    }
  }

  async close(): Promise<void> {
    const all = [...this.held.values()];
    this.held.clear();
    for (const { made } of all) await made.then((interrogator) => interrogator.dispose()).catch(() => {});
  }

  private async disposeIdle(): Promise<void> {
    const idle = [...this.held].filter(([, { users }]) => users === 0);
    for (const [key] of idle) this.held.delete(key);
    for (const [, { made }] of idle) await made.then((interrogator) => interrogator.dispose()).catch(() => {});
  }
}

function leaving(held: Held): () => void {
  let isLent = true;
  return () => {
    if (isLent) held.users -= 1;
    isLent = false;
  };
}
