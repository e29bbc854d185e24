/** BMP as Pillow reads it; common libraries differ from it in palettes, bit fields and run lengths. */
import { DecodeFailure, type RgbImage } from './failure';
import { type BmpHeader, RLE4, RLE8, readBmpHeader } from './formats/bmp';

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
