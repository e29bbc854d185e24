/** PNG with Pillow's semantics, by the library that jimp reads PNG with. */
import zlib from 'node:zlib';
import { PNG } from 'pngjs';
import { DecodeFailure, type RgbImage } from './failure';
import { png, pngChunks } from './formats/png';

const GRAY = 0;
const PALETTE = 3;
const GRAY_ALPHA = 4;

export function decodePng(bytes: Buffer): RgbImage {
  if (png.readHeader(bytes).isTruncated) throw new DecodeFailure('truncated', 'the file ends before its last chunk');
  checkHeaderChunks(bytes);
  const is16Bit = bytes[24] === 16;
  const colorType = bytes[25];
  const { data, width, height } = read(bytes, is16Bit);
  const rgb = new Uint8Array(width * height * 3);
  // 16-bit grey is clipped to 255; in every other 16-bit kind the high byte counts. Both are Pillow's choice.
  const toByte = !is16Bit
    ? (value: number) => value
    : colorType === GRAY
      ? (value: number) => Math.min(value, 255)
      : (value: number) => value >> 8;
  const isGray = colorType === GRAY || colorType === GRAY_ALPHA;
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    for (let channel = 0; channel < 3; channel++) rgb[to++] = toByte(data[from + (isGray ? 0 : channel)] as number);
  }
  return { data: rgb, width, height };
}

function read(bytes: Buffer, is16Bit: boolean): { data: ArrayLike<number>; width: number; height: number } {
  try {
    // Checksums of the pixels do not count where they inflate. Rescaling would round 16 bits to 8.
    return PNG.sync.read(withoutColorKey(bytes), { checkCRC: false, skipRescale: is16Bit } as never);
  } catch (cause) {
    throw new DecodeFailure('corrupt', (cause as Error).message);
  }
}

/** Without the chunk by which the library would blacken pixels of one colour; a palette's transparency does no such thing. */
function withoutColorKey(bytes: Buffer): Buffer {
  if (bytes[25] === PALETTE) return bytes;
  for (const { type, start, length } of pngChunks(bytes)) {
    if (type === 'tRNS') return Buffer.concat([bytes.subarray(0, start - 8), bytes.subarray(start + length + 4)]);
  }
  return bytes;
}

/** What comes before the pixels must match its checksums. */
function checkHeaderChunks(bytes: Buffer): void {
  for (const { type, start, length } of pngChunks(bytes)) {
    if (type === 'IDAT') return;
    if (zlib.crc32(bytes.subarray(start - 4, start + length)) !== bytes.readUInt32BE(start + length)) {
      throw new DecodeFailure('corrupt', `the checksum of its ${type} chunk is wrong`);
    }
  }
}
