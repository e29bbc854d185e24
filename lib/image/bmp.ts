/** BMP as Pillow reads it; common libraries differ from it in palettes, bit fields and run lengths. */
import { DecodeFailure, type RgbImage } from './failure';

export interface BmpHeader {
  width: number;
  height: number;
  isTopDown: boolean;
  bits: number;
  compression: number;
  /** Shifts and widths of red, green and blue, for 16 and 32 bits a pixel. */
  fields: readonly (readonly [shift: number, bits: number])[];
  paletteStart: number;
  paletteStride: number;
  paletteSize: number;
  pixels: number;
  /** Bytes a row, for what is not run-length encoded. */
  stride: number;
  isTruncated: boolean;
}

const RAW = 0;
const RLE8 = 1;
const RLE4 = 2;
const BIT_FIELDS = 3;

/** Throws a DecodeFailure where the header is cut off or of a kind that Pillow does not read either. */
export function readBmpHeader(bytes: Buffer): BmpHeader {
  if (bytes.length < 18) throw new DecodeFailure('truncated', 'the header is incomplete');
  const size = bytes.readUInt32LE(14);
  if (![12, 40, 52, 56, 64, 108, 124].includes(size)) {
    throw new DecodeFailure('corrupt', `a header of ${size} bytes is of no known kind`);
  }
  if (bytes.length < 14 + size) throw new DecodeFailure('truncated', 'the header is incomplete');
  const isCore = size === 12;
  const isTopDown = !isCore && bytes[25] === 0xff;
  const width = isCore ? bytes.readUInt16LE(18) : bytes.readUInt32LE(18);
  const height = isCore ? bytes.readUInt16LE(20) : isTopDown ? 2 ** 32 - bytes.readUInt32LE(22) : bytes.readUInt32LE(22);
  const bits = bytes.readUInt16LE(isCore ? 24 : 28);
  const compression = isCore ? RAW : bytes.readUInt32LE(30);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw new DecodeFailure('corrupt', `${bits} bits a pixel are not supported`);
  if (compression > BIT_FIELDS) throw new DecodeFailure('corrupt', `compression ${compression} is not supported`);

  const paletteStride = isCore ? 3 : 4;
  const paletteSize = (isCore ? 0 : bytes.readUInt32LE(46)) || 2 ** bits;
  const masksAfterHeader = compression === BIT_FIELDS && size === 40 ? 12 : 0;
  const paletteStart = 14 + size + masksAfterHeader;
  let pixels = bytes.readUInt32LE(10);
  if (pixels === 14 + size && bits <= 8) pixels += paletteStride * paletteSize;
  if (pixels === 0) pixels = paletteStart + (bits <= 8 ? paletteStride * paletteSize : 0);
  const stride = Math.floor((width * bits + 31) / 32) * 4;
  const isRunLength = compression === RLE8 || compression === RLE4;
  return {
    width,
    height,
    isTopDown,
    bits,
    compression,
    fields: readFields(bytes, bits, compression),
    paletteStart,
    paletteStride,
    paletteSize,
    pixels,
    stride,
    // The padding of the last row may be missing.
    isTruncated: !isRunLength && pixels + stride * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length,
  };
}

type Fields = readonly (readonly [number, number])[];
const FIELDS_555: Fields = [[10, 5], [5, 5], [0, 5]]; // biome-ignore format: a table
const FIELDS_888: Fields = [[16, 8], [8, 8], [0, 8]]; // biome-ignore format: a table

function readFields(bytes: Buffer, bits: number, compression: number): Fields {
  if (compression !== BIT_FIELDS) return bits === 16 ? FIELDS_555 : FIELDS_888;
  if (bytes.length < 66) throw new DecodeFailure('truncated', 'the header is incomplete');
  return [54, 58, 62].map((at, index) => {
    const mask = bytes.readUInt32LE(at);
    // No masks at all mean the usual order.
    if (mask === 0) return [[16, 8, 0][index] as number, 8] as const;
    const shift = 31 - Math.clz32(mask & -mask);
    return [shift, 32 - Math.clz32(mask >>> shift)] as const;
  });
}

export function decodeBmp(bytes: Buffer): RgbImage {
  const header = readBmpHeader(bytes);
  if (header.isTruncated) throw new DecodeFailure('truncated', 'the file ends inside of its pixels');
  if (header.bits <= 8) return decodeIndexed(bytes, header);
  const { width, height, bits, fields, pixels, stride } = header;
  const data = new Uint8Array(width * height * 3);
  const step = bits / 8;
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = pixels + stride * (header.isTopDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++, from += step) {
      const pixel = bytes.readUIntLE(from, step);
      for (const [shift, size] of fields) {
        const most = 2 ** size - 1;
        data[to++] = Math.floor((((pixel >>> shift) & most) * 255) / most);
      }
    }
  }
  return { data, width, height };
}

function decodeIndexed(bytes: Buffer, header: BmpHeader): RgbImage {
  const { width, height, compression, paletteStart, paletteStride, paletteSize } = header;
  const colors = new Uint8Array(256 * 3);
  for (let index = 0; index < Math.min(paletteSize, 256); index++) {
    for (let channel = 0; channel < 3; channel++) {
      colors[3 * index + channel] = bytes[paletteStart + paletteStride * index + 2 - channel] ?? 0;
    }
  }
  const isRunLength = compression === RLE8 || compression === RLE4;
  const indices = isRunLength ? expandRuns(bytes, header) : unpackRows(bytes, header);
  const data = new Uint8Array(width * height * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = width * (header.isTopDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const color = 3 * (indices[from++] as number);
      data[to++] = colors[color] as number;
      data[to++] = colors[color + 1] as number;
      data[to++] = colors[color + 2] as number;
    }
  }
  return { data, width, height };
}

/** One index a pixel, rows in file order. */
function unpackRows(bytes: Buffer, { width, height, bits, pixels, stride }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  const most = 2 ** bits - 1;
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = pixels + stride * y;
    for (let x = 0; x < width; x++) {
      const byte = bytes[row + Math.floor(x / perByte)] as number;
      indices[to++] = (byte >> (8 - bits * ((x % perByte) + 1))) & most;
    }
  }
  return indices;
}

/** The same from run lengths. Pixels that the file skips get index 0. */
function expandRuns(bytes: Buffer, { width, height, compression, pixels }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  const isNibbles = compression === RLE4;
  let to = 0;
  let x = 0;
  let at = pixels;
  const need = (count: number) => {
    if (at + count > bytes.length) throw new DecodeFailure('truncated', 'the file ends inside of its pixels');
  };
  while (to < indices.length) {
    need(2);
    const count = bytes[at++] as number;
    const value = bytes[at++] as number;
    if (count > 0) {
      // A run does not go over the end of its row.
      const length = Math.min(count, Math.max(0, width - x), indices.length - to);
      for (let n = 0; n < length; n++) indices[to++] = isNibbles ? (n % 2 === 0 ? value >> 4 : value & 15) : value;
      x += length;
    } else if (value === 0) {
      to = Math.ceil(to / width) * width;
      x = 0;
    } else if (value === 1) {
      throw new DecodeFailure('corrupt', 'its pixels end before the image does');
    } else if (value === 2) {
      need(2);
      to = Math.min(indices.length, to + (bytes[at] as number) + (bytes[at + 1] as number) * width);
      x = to % width;
      at += 2;
    } else {
      const length = Math.min(value, indices.length - to);
      const byteCount = isNibbles ? Math.ceil(length / 2) : length;
      need(byteCount);
      for (let n = 0; n < length; n++) {
        const byte = bytes[at + (isNibbles ? n >> 1 : n)] as number;
        indices[to++] = isNibbles ? (n % 2 === 0 ? byte >> 4 : byte & 15) : byte;
      }
      x += value;
      at += byteCount;
      // Literal runs are padded to an even offset in the file.
      at += at % 2;
    }
  }
  return indices;
}
