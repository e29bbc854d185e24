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
}

/** `label`: as people write the format. */
export function damaged(name: string, label: string, cause: DecodeFailure): InterrogatorError {
  return new InterrogatorError('ERR_IMAGE_CORRUPT', `${name} is a damaged ${label}: ${cause.message}`, {
    hint: 'Copy or download it again, or convert it with another program.',
    cause,
  });
}

export function outOfMemory(message: string, cause: unknown): InterrogatorError {
  return new InterrogatorError('ERR_OUT_OF_MEMORY', `Decoding an image failed: ${message}`, {
    hint: 'Make the image smaller, or install sharp, which needs less memory.',
    cause,
  });
}
