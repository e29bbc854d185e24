/** The first frame of a GIF with Pillow's semantics: the file's own colours, transparent ones included, on the whole screen. */
import { DecodeFailure } from '../failure';
import { type GifFrame, readGifFrame } from '../formats/gif';
import type { DecodeRequest } from './request';
import { type DecodedPixels, paint } from './rgb';

const LONGEST_CODE = 12;
const CODES = 1 << LONGEST_CODE;

/** Decodes the first frame only; what follows it may be damaged. */
export function decodeGif(bytes: Buffer, { background, isLenient }: DecodeRequest): DecodedPixels {
  const frame = readGifFrame(bytes);
  const { width, height, left, top, frameWidth, frameHeight, transparent } = frame;
  const channels = background && transparent !== undefined ? 4 : 3;
  const empty = transparent ?? 0;
  const indices = new Uint8Array(frameWidth * frameHeight).fill(empty);
  const count = expand(bytes, frame, indices);
  if (count < indices.length && !isLenient) throw new DecodeFailure('corrupt', 'its pixels do not fill the frame');
  const screen = new Uint8Array(width * height).fill(empty);
  const rows = frame.isInterlaced ? interlacedRows(frameHeight) : undefined;
  for (let row = 0; row < frameHeight; row++) {
    screen.set(indices.subarray(row * frameWidth, (row + 1) * frameWidth), (top + (rows?.[row] ?? row)) * width + left);
  }
  return { data: paint(screen, colorsOf(bytes, frame, channels), channels), width, height, channels };
}

/** Indices beyond the file's table are black; without a table they are greys. */
function colorsOf(bytes: Buffer, { paletteStart, paletteSize, transparent }: GifFrame, channels: 3 | 4): Uint8Array {
  const colors = new Uint8Array(256 * channels);
  for (let index = 0; index < 256; index++) {
    const at = paletteStart + 3 * index;
    if (paletteSize === 0) colors.fill(index, channels * index, channels * index + 3);
    else if (index < paletteSize) colors.set(bytes.subarray(at, at + 3), channels * index);
    if (channels === 4) colors[channels * index + 3] = index === transparent ? 0 : 255;
  }
  return colors;
}

/** The rows in the order of the file: every eighth, those between, and so on. */
function interlacedRows(height: number): number[] {
  const rows: number[] = [];
  for (const [start, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let row = start; row < height; row += step) rows.push(row);
  }
  return rows;
}

/** Undoes LZW into `indices`. Returns how many pixels there are; those beyond the frame are not looked at, as in Pillow. */
function expand(bytes: Buffer, { start }: GifFrame, indices: Uint8Array): number {
  const leastSize = bytes[start] as number;
  if (leastSize >= LONGEST_CODE) throw new DecodeFailure('corrupt', 'its pixels do not decode');
  const clear = 1 << leastSize;
  const end = clear + 1;
  // Each code stands for the pixels of another one and one more.
  const prefixes = new Uint16Array(CODES);
  const lasts = new Uint8Array(CODES);
  const lengths = new Uint16Array(CODES).fill(1, 0, clear);
  for (let code = 0; code < clear; code++) lasts[code] = code;
  let [size, next, previous] = [leastSize + 1, end + 1, -1];
  let [bits, held, count] = [0, 0, 0];
  // A block that the file ends in counts for nothing, as in Pillow.
  for (let at = start + 1, length = bytes[at] ?? 0; length > 0 && at + length < bytes.length; length = bytes[at] ?? 0) {
    for (const byte of bytes.subarray(at + 1, at + 1 + length)) {
      bits |= byte << held;
      held += 8;
      while (held >= size) {
        const code = bits & ((1 << size) - 1);
        bits >>>= size;
        held -= size;
        if (code === end) return count;
        if (code === clear) {
          [size, next, previous] = [leastSize + 1, end + 1, -1];
          continue;
        }
        if (previous < 0 ? code > end : code > next) throw new DecodeFailure('corrupt', 'its pixels do not decode');
        if (previous >= 0 && next < CODES) {
          prefixes[next] = previous;
          lengths[next] = (lengths[previous] as number) + 1;
          lasts[next] = firstOf(code === next ? previous : code, prefixes, lengths, lasts);
          next += 1;
          if (next >= 1 << size && size < LONGEST_CODE) size += 1;
        }
        const run = lengths[code] as number;
        for (let to = count + run - 1, each = code; to >= count; to--, each = prefixes[each] as number) indices[to] = lasts[each] as number;
        count = Math.min(count + run, indices.length);
        if (count === indices.length) return count;
        previous = code;
      }
    }
    at += 1 + length;
  }
  return count;
}

function firstOf(code: number, prefixes: Uint16Array, lengths: Uint16Array, lasts: Uint8Array): number {
  let each = code;
  while ((lengths[each] as number) > 1) each = prefixes[each] as number;
  return lasts[each] as number;
}
