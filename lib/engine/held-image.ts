import type { NativeImage } from '../native/types';

/** An image in memory for the models. Its pixels are freed, and others may be decoded, when it is closed and no job reads it. */
export class HeldImage {
  constructor(
    readonly native: NativeImage,
    private readonly release: () => void,
    /** Its file ends too early, and was decoded as far as it goes. */
    readonly isTruncated = false,
  ) {}

  close(): void {
    this.native.close();
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
