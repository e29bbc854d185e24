import { InterrogatorError } from '../errors';

/** Why bytes of a known format do not decode. */
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
  /** The file ends too early, and was decoded as far as it goes. */
  isTruncated?: true;
}

/** What callers are told. `label`: as people write the format. */
export function describeFailure(cause: DecodeFailure, name: string, label: string): InterrogatorError {
  switch (cause.kind) {
    case 'memory':
      return outOfMemory(cause.message, cause);
    case 'truncated':
      return new InterrogatorError('ERR_IMAGE_TRUNCATED', `${name} is a truncated ${label}: ${cause.message}`, {
        hint: 'Copy or download it again: its end is missing.',
        cause,
      });
    case 'corrupt':
      return new InterrogatorError('ERR_IMAGE_CORRUPT', `${name} is a damaged ${label}: ${cause.message}`, {
        hint: 'Copy or download it again, or convert it with another program.',
        cause,
      });
  }
}

export function outOfMemory(message: string, cause: unknown): InterrogatorError {
  const hint = 'Make the image smaller, or install sharp, which needs less memory.';
  return new InterrogatorError('ERR_OUT_OF_MEMORY', `Decoding an image failed: ${message}`, { hint, cause });
}
