import { abandonable } from '../abort';
import type { NativeModel } from '../native/types';

export type ModelKind = 'clip' | 'caption';

/** Work on one model that runs together. */
interface Turn {
  kind: ModelKind;
  /** The model is on the device. */
  ready: Promise<void>;
  /** Those that have not ended. */
  uses: Set<Promise<unknown>>;
}

/**
 * Which of the two models is on the device. Without offloading both always are. With it, work on one model runs
 * together, and the models change places when that work is done, in the order in which callers came.
 */
export class Residency {
  private readonly resident = { clip: true, caption: true };
  /** The one that runs, or the last that waits. */
  private last: Turn | undefined;

  /** The models that leave the device while the other runs, null for one that stays. */
  constructor(private readonly models: Readonly<Record<ModelKind, Pick<NativeModel, 'offload' | 'restore'> | null>>) {}

  /** Runs `work` while `kind` is on the device. The signal ends the wait for it. */
  async use<T>(kind: ModelKind, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (!this.models.clip && !this.models.caption) return work();
    const { ready, uses } = this.last?.kind === kind && this.last.uses.size > 0 ? this.last : this.nextTurn(kind);
    const use = abandonable(ready, signal).then(work);
    uses.add(use);
    return use.finally(() => uses.delete(use));
  }

  private nextTurn(kind: ModelKind): Turn {
    // Nobody joins a turn that is not the last any more.
    const over = Promise.allSettled([this.last?.ready, ...(this.last?.uses ?? [])]);
    this.last = { kind, ready: over.then(() => this.arrange(kind)), uses: new Set() };
    return this.last;
  }

  private async arrange(kind: ModelKind): Promise<void> {
    const other = kind === 'clip' ? 'caption' : 'clip';
    if (this.models[other] && this.resident[other]) {
      await this.models[other].offload();
      this.resident[other] = false;
    }
    if (!this.resident[kind]) {
      await this.models[kind]?.restore();
      this.resident[kind] = true;
    }
  }
}
