import { corrupt, endsEarly, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';

/** The first frame, up to where its pixels begin. */
export interface GifFrame {
  /** The screen, extended to hold the frame. */
  width: number;
  height: number;
  left: number;
  top: number;
  frameWidth: number;
  frameHeight: number;
  isInterlaced: boolean;
  transparent: number | undefined;
  /** Where the colour table in force starts, and its number of colours; 0 where the file has none. */
  paletteStart: number;
  paletteSize: number;
  /** Where the pixels begin: the least code size, then data blocks. */
  start: number;
}

/** Throws a DecodeFailure where the file ends or has its end mark before a frame. */
export function readGifFrame(bytes: Buffer): GifFrame {
  if (bytes.length < 13) throw truncated('the header is incomplete');
  const limit = new WorkLimit();
  const screenFlags = bytes[10] as number;
  let paletteStart = 13;
  let paletteSize = screenFlags & 0x80 ? 2 << (screenFlags & 7) : 0;
  let transparent: number | undefined;
  let at = 13 + 3 * paletteSize;
  for (; ; limit.spend(1)) {
    const kind = byteAt(bytes, at++);
    if (kind === 0x2c) break;
    if (kind === 0x3b) throw corrupt('there is no image in it');
    // Other bytes between blocks are passed over, as Pillow does.
    if (kind !== 0x21) continue;
    const label = byteAt(bytes, at++);
    need(bytes, at, 5);
    if (label === 0xf9 && bytes[at] !== 0) transparent = (bytes[at + 1] as number) & 1 ? bytes[at + 4] : undefined;
    at = skipBlocks(bytes, at, limit);
  }
  need(bytes, at, 9);
  const [left, top, frameWidth, frameHeight] = [0, 2, 4, 6].map((offset) => bytes.readUInt16LE(at + offset)) as [
    number,
    number,
    number,
    number,
  ];
  const flags = bytes[at + 8] as number;
  at += 9;
  if (flags & 0x80) {
    paletteStart = at;
    paletteSize = 2 << (flags & 7);
    need(bytes, at, 3 * paletteSize);
    at += 3 * paletteSize;
  }
  return {
    width: Math.max(bytes.readUInt16LE(6), left + frameWidth),
    height: Math.max(bytes.readUInt16LE(8), top + frameHeight),
    left,
    top,
    frameWidth,
    frameHeight,
    isInterlaced: (flags & 0x40) !== 0,
    transparent,
    paletteStart,
    paletteSize,
    start: at,
  };
}

function skipBlocks(bytes: Buffer, from: number, limit: WorkLimit): number {
  let at = from;
  for (let length = byteAt(bytes, at++); length > 0; length = byteAt(bytes, at++)) {
    limit.spend(1);
    need(bytes, at, length);
    at += length;
  }
  return at;
}

function byteAt(bytes: Buffer, at: number): number {
  need(bytes, at, 1);
  return bytes[at] as number;
}

function need(bytes: Buffer, at: number, count: number): void {
  if (at + count > bytes.length) throw truncated('the file ends inside of its first frame');
}

function readHeader(bytes: Buffer): ImageHeader {
  const frame = readGifFrame(bytes);
  return {
    width: frame.width,
    height: frame.height,
    isTruncated: () => endsEarly(() => skipBlocks(bytes, frame.start + 1, new WorkLimit(bytes.length))),
  };
}

export const gif: ImageFormat = {
  name: 'gif',
  label: 'GIF',
  suffixes: ['.gif'],
  matches: (bytes) => /^GIF8[79]a/.test(bytes.toString('latin1', 0, 6)),
  readHeader,
};
