import { onAbort } from './abort';
import { AbortError } from './errors';

/** Those who wait, first come, first served. */
export class WaitingLine<T> {
  private readonly waiters: { who: T; admit(): void }[] = [];

  /** `admits`: whether the first of the line may go on; it takes the place at once. */
  constructor(private readonly admits: (first: T) => boolean) {}

  get length(): number {
    return this.waiters.length;
  }

  /** Resolves when `who` was admitted. An abort ends the waiting. */
  wait(who: T, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new AbortError(signal.reason));
      const giveUp = (): void => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        reject(new AbortError(signal?.reason));
        this.moveOn();
      };
      const leave = onAbort(signal, giveUp);
      const admit = (): void => {
        leave();
        resolve();
      };
      const waiter = { who, admit };
      this.waiters.push(waiter);
      this.moveOn();
    });
  }

  /** To be called when there may be room. */
  moveOn(): void {
    for (let first = this.waiters[0]; first && this.admits(first.who); first = this.waiters[0]) {
      this.waiters.shift();
      first.admit();
    }
  }
}

/** Admits what fits beside what is inside already: first come, first served. */
export class Admission {
  private inside = 0;
  private readonly line = new WaitingLine<number>((size) => {
    const fits = this.inside === 0 || this.inside + size <= this.most;
    if (fits) this.inside += size;
    return fits;
  });

  /** `most`: the bound of all sizes together. What is larger than that is admitted alone. */
  constructor(private readonly most: number) {}

  /** The sizes of what is inside, together. */
  get taken(): number {
    return this.inside;
  }

  get waiting(): number {
    return this.line.length;
  }

  /** Resolves with the function that leaves again; more calls of it do nothing. An abort ends the waiting. */
  async enter(size: number, signal?: AbortSignal): Promise<() => void> {
    await this.line.wait(size, signal);
    return this.leaving(size);
  }

  /** Counts what is inside already, without waiting. Returns the function that leaves again. */
  hold(size: number): () => void {
    this.inside += size;
    return this.leaving(size);
  }

  private leaving(size: number): () => void {
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.inside -= size;
      this.line.moveOn();
    };
  }
}
