/** Sizes from headers, and whether the file is all there, both without decoding anything. */
import { imageSize } from 'image-size';
import { readBmpHeader } from './bmp';
import { DecodeFailure } from './failure';
import { readGifFirstFrame } from './gif';
import type { ImageFormat } from './sniff';
import { readTiffHeader } from './tiff-header';

export interface ImageSize {
  width: number;
  height: number;
}

/** Throws a DecodeFailure where the header is cut off or makes no sense. */
export function readSize(bytes: Buffer, format: ImageFormat): ImageSize {
  switch (format) {
    case 'png':
      if (bytes.length < 24) throw new DecodeFailure('truncated', 'the header is incomplete');
      return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
    case 'gif':
      return readGifFirstFrame(bytes);
    case 'bmp':
      return readBmpHeader(bytes);
    case 'tiff':
      return readTiffHeader(bytes);
    default:
      return librarySize(bytes, format);
  }
}

function librarySize(bytes: Buffer, format: ImageFormat): ImageSize {
  try {
    const { width, height } = imageSize(bytes);
    return { width, height };
  } catch (cause) {
    const kind = isTruncated(bytes, format) ? 'truncated' : 'corrupt';
    throw new DecodeFailure(kind, `the header does not tell the size: ${(cause as Error).message}`);
  }
}

/** True where bytes that the format promises are not there. */
export function isTruncated(bytes: Buffer, format: ImageFormat): boolean {
  try {
    switch (format) {
      case 'jpeg':
        return !hasJpegEnd(bytes);
      case 'png':
        return !hasPngEnd(bytes);
      case 'webp':
        return bytes.length < 12 || bytes.readUInt32LE(4) + 8 > bytes.length;
      case 'gif':
        readGifFirstFrame(bytes);
        return false;
      case 'bmp':
        return readBmpHeader(bytes).isTruncated;
      case 'tiff':
        return readTiffHeader(bytes).isTruncated;
    }
  } catch (error) {
    return error instanceof DecodeFailure && error.kind === 'truncated';
  }
}

/** An end marker behind the first scan; thumbnails, which have their own, lie before it. */
function hasJpegEnd(bytes: Buffer): boolean {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda) return bytes.lastIndexOf(Buffer.from([0xff, 0xd9])) > at;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  // No scan at all: cut off where the walk ran out of bytes, damaged where it met something that is no marker.
  return at + 4 <= bytes.length;
}

export interface PngChunk {
  type: string;
  start: number;
  length: number;
}

/** The chunks that are there whole, in file order. */
export function* pngChunks(bytes: Buffer): Generator<PngChunk> {
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + 8, length };
    at += 12 + length;
  }
}

function hasPngEnd(bytes: Buffer): boolean {
  for (const { type } of pngChunks(bytes)) if (type === 'IEND') return true;
  return false;
}
