import { abandonable } from '../abort';

/** A model whose weights can leave the device and come back. */
export interface OffloadableModel {
  offload(): Promise<void>;
  restore(): Promise<void>;
}

export type ModelKind = 'clip' | 'caption';

interface Waiter {
  kind: ModelKind;
  enter: () => void;
}

/**
 * Which of the two models is on the device. Without offloading both always are. With it, work on one model runs
 * together, and the models change places when that work is done, in the order in which callers came.
 */
export class Residency {
  private readonly resident = { clip: true, caption: true };
  private readonly waiting: Waiter[] = [];
  private current: ModelKind | undefined;
  private users = 0;
  private arranged: Promise<void> = Promise.resolve();

  constructor(
    private readonly models: Readonly<Record<ModelKind, OffloadableModel | null>>,
    /** Models that leave the device while the other runs. */
    private readonly offloaded: Readonly<Record<ModelKind, boolean>>,
  ) {}

  /** Runs `work` while `kind` is on the device. The signal ends the wait for it. */
  async use<T>(kind: ModelKind, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (!this.offloaded.clip && !this.offloaded.caption) return work();
    await this.enter(kind, signal);
    try {
      await this.arranged;
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(kind: ModelKind, signal: AbortSignal | undefined): Promise<void> {
    if (this.waiting.length === 0 && (this.current ?? kind) === kind) {
      this.admit(kind);
      return;
    }
    const admitted = new Promise<void>((resolve) => {
      this.waiting.push({ kind, enter: resolve });
    });
    try {
      await abandonable(admitted, signal);
    } catch (error) {
      void admitted.then(() => this.leave());
      throw error;
    }
  }

  private admit(kind: ModelKind): void {
    this.users += 1;
    if (this.current === kind) return;
    this.current = kind;
    // After a move that may still be under way: an abort can end a turn before its move is done.
    this.arranged = this.arranged.catch(() => {}).then(() => this.arrange(kind));
    // Each user awaits it and hears of its failure; this keeps a failure without users from being unhandled.
    this.arranged.catch(() => {});
  }

  private leave(): void {
    this.users -= 1;
    if (this.users > 0) return;
    this.current = undefined;
    const kind = this.waiting[0]?.kind;
    while (kind && this.waiting[0]?.kind === kind) {
      this.admit(kind);
      this.waiting.shift()?.enter();
    }
  }

  private async arrange(kind: ModelKind): Promise<void> {
    const other = kind === 'clip' ? 'caption' : 'clip';
    if (this.offloaded[other] && this.resident[other]) {
      await this.models[other]?.offload();
      this.resident[other] = false;
    }
    if (!this.resident[kind]) {
      await this.models[kind]?.restore();
      this.resident[kind] = true;
    }
  }
}
