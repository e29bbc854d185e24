/** Why bytes of a known format do not decode. Crosses from the worker as plain fields. */
export type FailureKind = 'truncated' | 'corrupt' | 'memory';

export class DecodeFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
    this.name = 'DecodeFailure';
  }
}

/** 8-bit RGB, row-major, height × width × 3. */
export interface RgbImage {
  data: Uint8Array;
  width: number;
  height: number;
}
