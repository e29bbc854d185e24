/** Files put together from their parts, sound or not. */
import zlib from 'node:zlib';

export const START_OF_IMAGE = Buffer.from([0xff, 0xd8]);
export const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

export function jpegSegment(marker: number, body: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(body.length + 2, 2);
  return Buffer.concat([head, body]);
}

export function jpegFrame(width: number, height: number, marker = 0xc0): Buffer {
  const body = Buffer.from([8, 0, 0, 0, 0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
  body.writeUInt16BE(height, 1);
  body.writeUInt16BE(width, 3);
  return jpegSegment(marker, body);
}

export const JFIF = jpegSegment(0xe0, Buffer.from('JFIF\0\x01\x01\0\0\x01\0\x01\0\0', 'latin1'));
export const JPEG_SCAN = jpegSegment(0xda, Buffer.from([3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]));

/** Of the segments between the start of the file and its first scan. */
export function jpegFile(...segments: Buffer[]): Buffer {
  return Buffer.concat([START_OF_IMAGE, ...segments, JPEG_SCAN, END_OF_IMAGE]);
}

export function pngChunk(type: string, body: Buffer): Buffer {
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  body.copy(out, 8);
  out.writeUInt32BE(zlib.crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}

export function pngSize(width: number, height: number): Buffer {
  const body = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  body.writeUInt32BE(width, 0);
  body.writeUInt32BE(height, 4);
  return pngChunk('IHDR', body);
}

export function pngPixels(width: number, height: number): Buffer {
  return pngChunk('IDAT', zlib.deflateSync(Buffer.alloc((3 * width + 1) * height)));
}

export function pngFile(...chunks: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...chunks, pngChunk('IEND', Buffer.alloc(0))]);
}

export function riffChunk(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

export function webpFile(...chunks: Buffer[]): Buffer {
  return riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP', 'latin1'), ...chunks]));
}

export function webpCanvas(width: number, height: number, flags = 0): Buffer {
  const body = Buffer.alloc(10);
  body.writeUInt8(flags);
  body.writeUIntLE(width - 1, 4, 3);
  body.writeUIntLE(height - 1, 7, 3);
  return riffChunk('VP8X', body);
}

/** A still's header of the lossless kind, without pixels. */
export function webpLossless(width: number, height: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeUInt8(0x2f);
  body.writeUInt32LE((width - 1) | ((height - 1) << 14), 1);
  return riffChunk('VP8L', body);
}

export interface TiffTag {
  tag: number;
  /** 3 for 16 bits, 4 for 32. */
  type?: number;
  count?: number;
  /** The value itself, or where its values lie. */
  value: number;
}

export function tiffFile(tags: readonly TiffTag[], rest: Buffer = Buffer.alloc(0)): Buffer {
  const out = Buffer.alloc(8 + 2 + 12 * tags.length + 4);
  out.write('II*\0', 'latin1');
  out.writeUInt32LE(8, 4);
  out.writeUInt16LE(tags.length, 8);
  for (const [index, { tag, type = 4, count = 1, value }] of tags.entries()) {
    out.writeUInt16LE(tag, 10 + 12 * index);
    out.writeUInt16LE(type, 12 + 12 * index);
    out.writeUInt32LE(count, 14 + 12 * index);
    out.writeUInt32LE(value, 18 + 12 * index);
  }
  return Buffer.concat([out, rest]);
}

export function tiffSize(width: number, height: number): TiffTag[] {
  return [
    { tag: 256, value: width },
    { tag: 257, value: height },
  ];
}

export function gifFile(width: number, height: number, ...blocks: Buffer[]): Buffer {
  const screen = Buffer.from('GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1');
  const frame = Buffer.from(',\0\0\0\0\0\0\0\0\0\x02\x02D\x01\0;', 'latin1');
  for (const [bytes, at] of [
    [screen, 6],
    [frame, 5],
  ] as const) {
    // biome-ignore format: a table
    bytes.writeUInt16LE(width, at);
    bytes.writeUInt16LE(height, at + 2);
  }
  return Buffer.concat([screen, ...blocks, frame]);
}

export function bmpFile(width: number, height: number, pixels: Buffer = Buffer.alloc(0)): Buffer {
  const out = Buffer.alloc(54);
  out.write('BM', 'latin1');
  out.writeUInt32LE(54, 10);
  out.writeUInt32LE(40, 14);
  out.writeInt32LE(width, 18);
  out.writeInt32LE(height, 22);
  out.writeUInt16LE(1, 26);
  out.writeUInt16LE(24, 28);
  return Buffer.concat([out, pixels]);
}

export function box(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

/** The description of a still: properties, and the numbers of those (from 1 on) that belong to it. */
export function avifFile(properties: Buffer[], associated: number[] = properties.map((_, index) => index + 1)): Buffer {
  const words = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]));
  const associations = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0, 1, associated.length, ...associated]);
  return Buffer.concat([
    box('ftyp', Buffer.from('avif\0\0\0\0avifmif1', 'latin1')),
    box('meta', Buffer.alloc(4), box('pitm', words(0, 0, 1)), box('iprp', box('ipco', ...properties), box('ipma', associations))),
    box('mdat', Buffer.alloc(16)),
  ]);
}

export function avifSize(width: number, height: number): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt32BE(width, 4);
  body.writeUInt32BE(height, 8);
  return box('ispe', body);
}
