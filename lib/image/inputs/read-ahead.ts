/**
 * What was read of streams, downloads, Blobs and `data:` URLs and waits for its decoder is bounded, for all calls together. Only bytes
 * that have arrived count, so that a stream that does not move holds no more than what it has sent.
 */
import { onAbort } from '../../abort';
import { AbortError } from '../../errors';

const MOST_BYTES = 256 << 20;
/** So long the one that may go beyond the bound can be silent before another may. */
const PATIENCE_MS = 1000;

interface Waiter {
  reading: Reading;
  size: number;
  admit(): void;
}

const waiting: Waiter[] = [];
let held = 0;
/** Images that were read whole: their decoders will make room. */
let whole = 0;
/** Where only parts of images are in memory, none of them can be decoded: one is read on, beyond the bound. */
let favourite: Reading | undefined;
let patience: NodeJS.Timeout | undefined;

/** One image's bytes. To be disposed of when the decoder is through with them. */
export class Reading {
  private bytes = 0;
  private isWhole = false;

  constructor(private readonly signal: AbortSignal | undefined) {}

  /** Counts bytes that have arrived; more may be read when it resolves. Rejects with AbortError. */
  take(size: number): Promise<void> {
    if (favourite === this) patience?.refresh();
    if (favourite === this || (waiting.length === 0 && held + size <= MOST_BYTES)) {
      this.hold(size);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      if (this.signal?.aborted) return reject(new AbortError(this.signal.reason));
      const leave = onAbort(this.signal, () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(new AbortError(this.signal?.reason));
        admitNext();
      });
      const admit = (): void => {
        leave();
        this.hold(size);
        resolve();
      };
      const waiter = { reading: this, size, admit };
      waiting.push(waiter);
      admitNext();
    });
  }

  /** Says that everything was read. */
  end(): void {
    this.isWhole = true;
    whole += 1;
    if (favourite === this) favour(undefined);
  }

  [Symbol.dispose](): void {
    held -= this.bytes;
    if (this.isWhole) whole -= 1;
    if (favourite === this) favour(undefined);
    admitNext();
  }

  private hold(size: number): void {
    this.bytes += size;
    held += size;
  }
}

function admitNext(): void {
  for (let next = waiting[0]; next; next = waiting[0]) {
    if (held + next.size > MOST_BYTES) {
      if (whole > 0 || favourite) return;
      favour(next.reading);
    }
    waiting.shift();
    next.admit();
  }
}

function favour(reading: Reading | undefined): void {
  clearTimeout(patience);
  favourite = reading;
  if (!reading) return;
  patience = setTimeout(() => {
    favour(undefined);
    admitNext();
  }, PATIENCE_MS);
}
