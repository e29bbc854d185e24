/** BMP as Pillow reads it; common libraries differ from it in palettes, bit fields and run lengths. */
import { DecodeFailure, type RgbImage } from '../failure';
import { type BmpHeader, RLE4, RLE8, readBmpHeader } from '../formats/bmp';
import type { DecodeRequest } from './request';
import { type DecodedPixels, paint, sampleAt } from './rgb';

export function decodeBmp(bytes: Buffer, { isLenient, background }: DecodeRequest): DecodedPixels {
  const header = readBmpHeader(bytes);
  // What lies beyond the end of the file is not allocated.
  header.pixels = Math.min(header.pixels, bytes.length);
  const { bits, compression } = header;
  const isRunLength = compression === RLE8 || compression === RLE4;
  const whole = header.isTruncated() ? withBlackRows(bytes, header) : bytes;
  if (bits <= 8) return { ...decodeIndexed(whole, header, isRunLength, isLenient), channels: 3 };
  return decodeFields(whole, header, background && header.fields.length === 4 ? 4 : 3);
}

/** The file with rows of zeros in place of those that are missing or cut. */
function withBlackRows(bytes: Buffer, { pixels, stride, height }: BmpHeader): Buffer {
  const out = Buffer.alloc(pixels + stride * height);
  const rows = Math.max(0, Math.floor((bytes.length - pixels) / stride));
  bytes.copy(out, 0, 0, pixels + rows * stride);
  return out;
}

function decodeFields(bytes: Buffer, header: BmpHeader, channels: 3 | 4): DecodedPixels {
  const { width, height, bits, fields, pixels, stride } = header;
  const data = new Uint8Array(width * height * channels);
  const step = bits / 8;
  // Mostly each colour is a byte of its own.
  const isBytes = fields.every(([shift, size]) => size === 8 && shift % 8 === 0 && shift < bits);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = pixels + stride * (header.isTopDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++, from += step) {
      const pixel = isBytes ? 0 : bytes.readUIntLE(from, step);
      for (let channel = 0; channel < channels; channel++) {
        const [shift, size] = fields[channel] as readonly [number, number];
        const most = 2 ** size - 1;
        data[to++] = isBytes ? (bytes[from + (shift >> 3)] as number) : Math.floor((((pixel >>> shift) & most) * 255) / most);
      }
    }
  }
  return { data, width, height, channels };
}

function decodeIndexed(bytes: Buffer, header: BmpHeader, isRunLength: boolean, isLenient: boolean): RgbImage {
  const { width, height, paletteStart, paletteStride, paletteSize } = header;
  const colors = new Uint8Array(256 * 3);
  for (let index = 0; index < Math.min(paletteSize, 256); index++) {
    for (let channel = 0; channel < 3; channel++) {
      colors[3 * index + channel] = bytes[paletteStart + paletteStride * index + 2 - channel] ?? 0;
    }
  }
  const indices = isRunLength ? expandRuns(bytes, header, isLenient) : unpackRows(bytes, header);
  if (!header.isTopDown) {
    const fromBelow = indices.slice();
    for (let y = 0; y < height; y++) indices.set(fromBelow.subarray(width * y, width * (y + 1)), width * (height - 1 - y));
  }
  return { data: paint(indices, colors, 3), width, height };
}

/** One index a pixel, rows in file order. */
function unpackRows(bytes: Buffer, { width, height, bits, pixels, stride }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = bytes.subarray(pixels + stride * y);
    for (let x = 0; x < width; x++) indices[to++] = sampleAt(row, x, bits);
  }
  return indices;
}

/** The same from run lengths. Pixels that the file skips get index 0, and so do those that are missing where that is allowed. */
function expandRuns(bytes: Buffer, { width, height, compression, pixels }: BmpHeader, isLenient: boolean): Uint8Array {
  const indices = new Uint8Array(width * height);
  const bits = compression === RLE4 ? 4 : 8;
  let to = 0;
  let x = 0;
  let at = pixels;
  const isCut = (count: number): boolean => {
    if (at + count <= bytes.length) return false;
    if (isLenient) return true;
    throw new DecodeFailure('truncated', 'the file ends inside of its pixels');
  };
  while (to < indices.length && !isCut(2)) {
    const count = bytes[at++] as number;
    const value = bytes[at++] as number;
    if (count > 0) {
      // A run does not go over the end of its row.
      const length = Math.min(count, Math.max(0, width - x), indices.length - to);
      const samples = bytes.subarray(at - 1, at);
      for (let n = 0; n < length; n++) indices[to++] = sampleAt(samples, n % (8 / bits), bits);
      x += length;
    } else if (value === 0) {
      to = Math.ceil(to / width) * width;
      x = 0;
    } else if (value === 1) {
      if (isLenient) break;
      throw new DecodeFailure('corrupt', 'its pixels end before the image does');
    } else if (value === 2) {
      if (isCut(2)) break;
      to = Math.min(indices.length, to + (bytes[at] as number) + (bytes[at + 1] as number) * width);
      x = to % width;
      at += 2;
    } else {
      const length = Math.min(value, indices.length - to);
      const byteCount = Math.ceil((length * bits) / 8);
      if (isCut(byteCount)) break;
      const samples = bytes.subarray(at, at + byteCount);
      for (let n = 0; n < length; n++) indices[to++] = sampleAt(samples, n, bits);
      x += value;
      at += byteCount;
      // Literal runs are padded to an even offset in the file.
      at += at % 2;
    }
  }
  return indices;
}
