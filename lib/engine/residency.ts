import { abandonable } from '../abort';
import type { NativeModel } from '../native/types';

export type ModelKind = 'clip' | 'caption';

/** Work on one model that runs together. */
interface Turn {
  kind: ModelKind;
  users: number;
  /** The model is on the device. */
  ready: Promise<void>;
  /** To be called when the last user has left. */
  end: () => void;
  /** All users have left, and no move is under way. */
  over: Promise<unknown>;
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
    const turn = this.last?.kind === kind && this.last.users > 0 ? this.last : this.nextTurn(kind);
    turn.users += 1;
    try {
      await abandonable(turn.ready, signal);
      return await work();
    } finally {
      turn.users -= 1;
      if (turn.users === 0) turn.end();
    }
  }

  private nextTurn(kind: ModelKind): Turn {
    let end!: () => void;
    const left = new Promise<void>((resolve) => {
      end = resolve;
    });
    const ready = Promise.resolve(this.last?.over).then(() => this.arrange(kind));
    this.last = { kind, users: 0, ready, end, over: Promise.allSettled([ready, left]) };
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
