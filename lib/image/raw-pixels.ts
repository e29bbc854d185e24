import { types } from 'node:util';
import { read, show } from '../arguments';
import { InterrogatorError } from '../errors';

/**
 * Decoded 8-bit pixels, row-major, channels interleaved: grey, grey and alpha, RGB, or RGBA. Alpha is dropped, or composed over the
 * option `background`.
 */
export interface RawImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

/** The fields of raw pixels, each read once; undefined for any other input. */
export function rawImageOf(input: unknown): RawImage | undefined {
  return read('the image', 'ERR_INVALID_ARGUMENT', () => {
    if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input) || !('data' in input)) return undefined;
    const { data, width, height, channels } = input as RawImage;
    return { data, width, height, channels };
  });
}

/** Throws `ERR_INVALID_ARGUMENT` where sizes and data do not fit, `ERR_IMAGE_SIZE` for more pixels than `maxPixels`. */
export function checkRawImage({ data, width, height, channels }: RawImage, maxPixels: number): void {
  if (!types.isUint8Array(data) && !types.isUint8ClampedArray(data)) {
    throw invalid(`the raw image's data must be a Uint8Array, got ${describe(data)}`);
  }
  for (const [name, value] of Object.entries({ width, height })) {
    if (!Number.isInteger(value) || value < 1) throw invalid(`the raw image's ${name} must be a whole number above 0, got ${show(value)}`);
  }
  if (![1, 2, 3, 4].includes(channels)) throw invalid(`the raw image's channels must be 1, 2, 3 or 4, got ${show(channels)}`);
  if (width * height > maxPixels) {
    throw new InterrogatorError('ERR_IMAGE_SIZE', `The raw image has ${width} × ${height} pixels; at most ${maxPixels} are allowed`, {
      hint: 'Make the image smaller.',
    });
  }
  const expected = width * height * channels;
  if (data.length !== expected) {
    throw invalid(`${width} × ${height} × ${channels} raw pixels need ${expected} bytes, got ${data.length}`);
  }
}

function invalid(message: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${message}`);
}

/** A value's kind, for an error message. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `${typeof value} ${show(value)}`;
  return `a value of type ${read('the image', 'ERR_INVALID_ARGUMENT', () => value.constructor?.name ?? 'Object')}`;
}
