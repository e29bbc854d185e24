import { types } from 'node:util';
import { read, show } from '../arguments';
import { InterrogatorError } from '../errors';

/** Decoded 8-bit pixels, row-major, channels interleaved: grey, grey and alpha, RGB, or RGBA. Alpha is dropped, or composed over the option `background`. */
export interface RawImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

export function isRawImage(input: unknown): input is RawImage {
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input)) return false;
  return read('the image', 'ERR_INVALID_ARGUMENT', () => 'data' in input);
}

/** Throws `ERR_INVALID_ARGUMENT` where sizes and data do not fit, `ERR_IMAGE_SIZE` for more pixels than `maxPixels`. */
export function checkRawImage(image: RawImage, maxPixels: number): void {
  const { data, width, height, channels } = read('the raw image', 'ERR_INVALID_ARGUMENT', () => {
    return { data: image.data, width: image.width, height: image.height, channels: image.channels };
  });
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
