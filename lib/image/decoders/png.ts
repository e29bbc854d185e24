/** PNG with Pillow's semantics, in all colour types and depths. */
import { crc32, createInflate } from 'node:zlib';
import { DecodeFailure } from '../failure';
import { pngChunks } from '../formats/png';
import type { DecodeRequest } from './request';
import { type DecodedPixels, sampleAt } from './rgb';
import { undisturbed } from './undisturbed';

/** Samples a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;

/** First column and row, and the steps from one to the next, of each pass of an interlaced image. */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const ONE_PASS = [[0, 0, 1, 1]] as const;

interface Png {
  width: number;
  height: number;
  depth: number;
  color: number;
  samples: number;
  palette: Buffer;
  /** Of the palette's colours, or the one colour that is transparent. */
  transparency: Buffer | undefined;
}

export async function decodePng(bytes: Buffer, { width, height, background, isLenient }: DecodeRequest): Promise<DecodedPixels> {
  const [depth, color] = [bytes[24] as number, bytes[25] as number];
  const samples = SAMPLES[color];
  if (!samples || ![1, 2, 4, 8, 16].includes(depth)) throw new DecodeFailure('corrupt', `colour type ${color} in ${depth} bits is unknown`);
  const image: Png = { width, height, depth, color, samples, palette: Buffer.alloc(0), transparency: undefined };
  const parts: Buffer[] = [];
  let end = 8;
  for (const { type, start, length } of pngChunks(bytes)) {
    if (type === 'IEND') break;
    const body = bytes.subarray(start, start + length);
    // What comes before the pixels must match its checksums; those of the pixels do not count where they inflate.
    if (type !== 'IDAT' && parts.length === 0 && crc32(bytes.subarray(start - 4, start + length)) !== bytes.readUInt32BE(start + length)) {
      throw new DecodeFailure('corrupt', `the checksum of its ${type} chunk is wrong`);
    }
    if (type === 'PLTE') image.palette = body;
    if (type === 'tRNS') image.transparency = body;
    if (type === 'IDAT') parts.push(body);
    end = start + length + 4;
  }
  // The chunk that the file ends in may have all pixels.
  if (bytes.toString('latin1', end + 4, end + 8) === 'IDAT') parts.push(bytes.subarray(end + 8));
  const isTransparent = background !== undefined && (color > PALETTE || image.transparency !== undefined);
  const channels = isTransparent ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  const bits = depth * samples;
  const passes = (bytes[28] === 1 ? ADAM7 : ONE_PASS)
    .map(([x, y, stepX, stepY]) => ({ x, y, stepX, stepY, columns: Math.ceil((width - x) / stepX), rows: Math.ceil((height - y) / stepY) }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const rowBytes = (columns: number): number => 1 + Math.ceil((columns * bits) / 8);
  const wanted = passes.reduce((sum, { columns, rows }) => sum + rows * rowBytes(columns), 0);
  const { filtered, count, failure } = await inflate(parts, wanted);
  if (count < wanted && !isLenient) {
    throw failure ?? new DecodeFailure('truncated', 'its pixels end before the image does');
  }
  // What is missing has index 0.
  if (color === PALETTE && count < wanted)
    for (let to = 0; to < data.length; to += channels) writeRow(image, new Uint8Array(1), data, channels, to, 0, 1);
  let at = 0;
  for (const { x, y, stepX, stepY, columns, rows } of passes) {
    const length = rowBytes(columns);
    let above: Uint8Array = new Uint8Array(length - 1);
    for (let row = 0; row < rows && at + length <= count; row++, at += length) {
      const line = filtered.subarray(at + 1, at + length);
      unfilter(filtered[at] as number, line, above, Math.max(1, bits >> 3));
      above = line;
      writeRow(image, line, data, channels, ((y + row * stepY) * width + x) * channels, stepX * channels, columns);
    }
  }
  return { data, width, height, channels };
}

/** As many bytes as are wanted, or as there are. What follows them is not looked at. */
async function inflate(parts: Buffer[], wanted: number): Promise<{ filtered: Uint8Array; count: number; failure?: DecodeFailure }> {
  const filtered = new Uint8Array(wanted);
  const stream = undisturbed(() => createInflate());
  for (const part of parts) stream.write(part);
  stream.end();
  let count = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      filtered.set(chunk.subarray(0, wanted - count), count);
      count = Math.min(wanted, count + chunk.length);
      if (count === wanted) break;
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return { filtered, count, failure: new DecodeFailure(code === 'Z_BUF_ERROR' ? 'truncated' : 'corrupt', message) };
  }
  return { filtered, count };
}

/** Undoes a row's filter in place. `distance`: bytes from one pixel to the next. */
function unfilter(kind: number, line: Uint8Array, above: Uint8Array, distance: number): void {
  if (kind === 0) return;
  if (kind > 4) throw new DecodeFailure('corrupt', `the filter ${kind} is unknown`);
  for (let at = 0; at < line.length; at++) {
    const left = at < distance ? 0 : (line[at - distance] as number);
    const up = above[at] as number;
    let predicted: number;
    if (kind === 1) predicted = left;
    else if (kind === 2) predicted = up;
    else if (kind === 3) predicted = (left + up) >> 1;
    else predicted = paeth(left, up, at < distance ? 0 : (above[at - distance] as number));
    line[at] = (line[at] as number) + predicted;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

/** Puts a row's pixels at `to` and every `step` bytes from there. */
function writeRow(image: Png, line: Uint8Array, data: Uint8Array, channels: number, start: number, step: number, columns: number): void {
  const { depth, color, samples, palette, transparency } = image;
  const isGrey = color === GREY || color === GREY_ALPHA;
  for (let column = 0, to = start; column < columns; column++, to += step) {
    const first = column * samples;
    const value = sampleOf(line, first, depth);
    if (color === PALETTE) {
      for (let channel = 0; channel < 3; channel++) data[to + channel] = palette[3 * value + channel] ?? 0;
      if (channels === 4) data[to + 3] = transparency?.[value] ?? 255;
      continue;
    }
    for (let channel = 0; channel < 3; channel++) {
      data[to + channel] = toByte(isGrey ? value : sampleOf(line, first + channel, depth), depth, color);
    }
    if (channels === 4) {
      data[to + 3] = color > PALETTE ? toByte(sampleOf(line, first + samples - 1, depth), depth, color) : alphaOf(image, line, first);
    }
  }
}

function sampleOf(line: Uint8Array, index: number, depth: number): number {
  if (depth === 16) return ((line[2 * index] as number) << 8) | (line[2 * index + 1] as number);
  return sampleAt(line, index, depth);
}

/** 16-bit grey is clipped to 255; in every other 16-bit kind the high byte counts. Both are Pillow's choice. */
function toByte(value: number, depth: number, color: number): number {
  if (depth === 8) return value;
  if (depth === 16) return color === GREY ? Math.min(value, 255) : value >> 8;
  return (value * 255) / ((1 << depth) - 1);
}

/** Transparent where the pixel is of the one colour that the file names. */
function alphaOf({ depth, color, transparency }: Png, line: Uint8Array, first: number): number {
  if (!transparency) return 255;
  for (let channel = 0; channel < (color === RGB ? 3 : 1); channel++) {
    if (sampleOf(line, first + channel, depth) !== transparency.readUInt16BE(2 * channel)) return 255;
  }
  return 0;
}
