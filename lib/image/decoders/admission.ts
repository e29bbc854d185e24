import { onAbort } from '../../abort';
import { AbortError } from '../../errors';

interface Waiter {
  size: number;
  admit(): void;
}

/** Admits what fits beside what is inside already: first come, first served. */
export class Admission {
  private inside = 0;
  private readonly queue: Waiter[] = [];

  /** `most`: the bound of all sizes together. What is larger than that is admitted alone. */
  constructor(private readonly most: number) {}

  /** The sizes of what is inside, together. */
  get taken(): number {
    return this.inside;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** Resolves with the function that leaves again; more calls of it do nothing. An abort ends the waiting. */
  enter(size: number, signal?: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new AbortError(signal.reason));
      const giveUp = (): void => {
        this.queue.splice(this.queue.indexOf(waiter), 1);
        reject(new AbortError(signal?.reason));
        this.admitNext();
      };
      const waiter = {
        size,
        admit: () => {
          leave();
          resolve(this.hold(size));
        },
      };
      const leave = onAbort(signal, giveUp);
      this.queue.push(waiter);
      this.admitNext();
    });
  }

  /** Counts what is inside already, without waiting. Returns the function that leaves again. */
  hold(size: number): () => void {
    let isInside = true;
    this.inside += size;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.inside -= size;
      this.admitNext();
    };
  }

  private admitNext(): void {
    for (let next = this.queue[0]; next && this.fits(next.size); next = this.queue[0]) {
      this.queue.shift();
      next.admit();
    }
  }

  private fits(size: number): boolean {
    return this.inside === 0 || this.inside + size <= this.most;
  }
}
