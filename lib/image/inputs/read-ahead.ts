/**
 * What was read of streams, downloads, Blobs and `data:` URLs and waits for its decoder is bounded, for all calls together. Only bytes
 * that have arrived count, so that a stream that does not move holds no more than what it has sent.
 */
import { WaitingLine } from '../../admission';

const MOST_BYTES = 256 << 20;
/** So long the one that may go beyond the bound can be silent before another may. */
const PATIENCE_MS = 1000;

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
  async take(size: number): Promise<void> {
    if (favourite !== this) return line.wait({ reading: this, size }, this.signal);
    patience?.refresh();
    this.hold(size);
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
    line.moveOn();
  }

  /** Counts bytes without waiting. */
  hold(size: number): void {
    this.bytes += size;
    held += size;
  }
}

const line = new WaitingLine<{ reading: Reading; size: number }>(({ reading, size }) => {
  if (held + size > MOST_BYTES) {
    if (whole > 0 || favourite) return false;
    favour(reading);
  }
  reading.hold(size);
  return true;
});

function favour(reading: Reading | undefined): void {
  clearTimeout(patience);
  favourite = reading;
  if (!reading) return;
  patience = setTimeout(() => {
    favour(undefined);
    line.moveOn();
  }, PATIENCE_MS);
}
