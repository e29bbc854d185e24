/** https://developers.google.com/speed/webp/docs/riff_container */
import { corrupt, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';
import { readExifOrientation } from './tiff';

interface RiffChunk {
  type: string;
  start: number;
  /** As far as the file goes. */
  end: number;
}

interface Size {
  width: number;
  height: number;
}

const CHUNK_STEPS = 16;
const FRAME_HEADER_BYTES = 16;

export function* riffChunks(bytes: Buffer, from: number, to: number): Generator<RiffChunk> {
  const limit = new WorkLimit();
  for (let at = from; at + 8 <= to; ) {
    limit.spend(CHUNK_STEPS);
    const length = bytes.readUInt32LE(at + 4);
    yield { type: bytes.toString('latin1', at, at + 4), start: at + 8, end: Math.min(at + 8 + length, to) };
    at += 8 + length + (length % 2);
  }
}

function readHeader(bytes: Buffer): ImageHeader {
  if (bytes.length < 12) throw truncated('the header is incomplete');
  const promised = bytes.readUInt32LE(4) + 8;
  let canvas: Size | undefined;
  let size: Size | undefined;
  let exif: Buffer | undefined;
  for (const { type, start, end } of riffChunks(bytes, 12, Math.min(bytes.length, promised))) {
    if (type === 'VP8X') {
      // A file with two VP8X chunks, or with one that is not the first, decodes to another size from decoder to decoder.
      if (start !== 20) throw corrupt('it tells its size twice, or too late');
      if (end - start < 10) throw truncated('the header is incomplete');
      canvas = { width: bytes.readUIntLE(start + 4, 3) + 1, height: bytes.readUIntLE(start + 7, 3) + 1 };
    } else if (type === 'ANMF' && canvas && !size) {
      if (end - start < FRAME_HEADER_BYTES) throw truncated('the file ends inside of its first frame');
      const frame = { width: bytes.readUIntLE(start + 6, 3) + 1, height: bytes.readUIntLE(start + 9, 3) + 1 };
      const inner = readFrames(bytes, start + FRAME_HEADER_BYTES, end);
      requireSame(frame, inner);
      const [left, top] = [2 * bytes.readUIntLE(start, 3), 2 * bytes.readUIntLE(start + 3, 3)];
      if (left + frame.width > canvas.width || top + frame.height > canvas.height)
        throw corrupt('its first frame reaches beyond its canvas');
      size = canvas;
    } else if ((type === 'VP8 ' || type === 'VP8L') && !size) {
      size = readBitstream(bytes, type, start, end);
      requireSame(canvas ?? size, size);
    } else if (type === 'EXIF') {
      exif ??= bytes.subarray(start, end);
    }
  }
  const isTruncated = promised > bytes.length;
  const found = size ?? canvas;
  if (!found) throw isTruncated ? truncated('the file ends before its first frame') : corrupt('there is no image in it');
  return { ...found, isTruncated: () => isTruncated, orientation: exif && readExifOrientation(exif) };
}

/** The size that the bitstream of an animation's frame tells. */
function readFrames(bytes: Buffer, from: number, to: number): Size {
  for (const { type, start, end } of riffChunks(bytes, from, to)) {
    if (type === 'VP8 ' || type === 'VP8L') return readBitstream(bytes, type, start, end);
  }
  throw to === bytes.length ? truncated('the file ends before its first frame') : corrupt('its first frame is empty');
}

function readBitstream(bytes: Buffer, type: 'VP8 ' | 'VP8L', start: number, end: number): Size {
  if (end - start < (type === 'VP8L' ? 5 : 10)) throw truncated('the file ends inside of its first frame');
  if (type === 'VP8L') {
    const bits = bytes.readUInt32LE(start + 1);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  return { width: bytes.readUInt16LE(start + 6) & 0x3fff, height: bytes.readUInt16LE(start + 8) & 0x3fff };
}

function requireSame(told: Size, found: Size): void {
  if (told.width === found.width && told.height === found.height) return;
  throw corrupt(`its header tells ${told.width} × ${told.height} pixels, its frame ${found.width} × ${found.height}`);
}

export const webp: ImageFormat = {
  name: 'webp',
  label: 'WebP',
  suffixes: ['.webp'],
  matches: (bytes) => bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP',
  readHeader,
};
