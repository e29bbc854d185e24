/** The first frame of a GIF with Pillow's semantics: the file's own colours, transparent ones included, on the whole screen. */
import { GifReader } from 'omggif';
import { DecodeFailure, type RgbImage } from './failure';
import { findGifFrameEnd, type GifFrame, readGifFrame } from './formats/gif';

const LONGEST_CODE = 12;

/** Decodes the first frame only; what follows it may be damaged. */
export function decodeGif(bytes: Buffer): RgbImage {
  const frame = readGifFrame(bytes);
  const { width, height } = frame;
  const data = new Uint8Array(width * height * 3);
  const background = frame.transparent ?? 0;
  const color = (index: number, channel: number) =>
    frame.paletteSize === 0 ? index : index < frame.paletteSize ? (bytes[frame.paletteStart + 3 * index + channel] as number) : 0;
  if ([0, 1, 2].some((channel) => color(background, channel) !== 0)) {
    for (let at = 0; at < data.length; at++) data[at] = color(background, at % 3);
  }
  if (frame.frameWidth === 0 || frame.frameHeight === 0) return { data, width, height };

  const pixels = blitFrame(bytes, frame);
  for (let y = 0; y < frame.frameHeight; y++) {
    let from = y * frame.frameWidth * 4;
    let to = ((frame.top + y) * width + frame.left) * 3;
    for (let x = 0; x < frame.frameWidth; x++, from += 4) {
      data[to++] = pixels[from] as number;
      data[to++] = pixels[from + 1] as number;
      data[to++] = pixels[from + 2] as number;
    }
  }
  return { data, width, height };
}

/**
 * Whether every LZW code of the frame stands for something by the time that it comes. The library follows others
 * through its table without an end.
 */
function hasSoundCodes(bytes: Buffer, start: number): boolean {
  const leastSize = bytes[start] as number;
  if (leastSize >= LONGEST_CODE) return false;
  const clear = 1 << leastSize;
  const end = clear + 1;
  let [size, next, isFirst] = [leastSize + 1, end + 1, true];
  let [bits, held] = [0, 0];
  for (let at = start + 1, length = bytes[at] as number; length > 0; length = bytes[at] as number) {
    for (const byte of bytes.subarray(at + 1, at + 1 + length)) {
      bits |= byte << held;
      held += 8;
      while (held >= size) {
        const code = bits & ((1 << size) - 1);
        bits >>>= size;
        held -= size;
        if (code === end) return true;
        if (code === clear) {
          [size, next, isFirst] = [leastSize + 1, end + 1, true];
          continue;
        }
        if (isFirst ? code > end : code > next) return false;
        if (!isFirst && next < 1 << LONGEST_CODE) {
          next += 1;
          if (next >= 1 << size && size < LONGEST_CODE) size += 1;
        }
        isFirst = false;
      }
    }
    at += 1 + length;
  }
  return true;
}

/** The library prints where pixels are missing or left over; both are errors to Pillow. */
function failOnWarning(work: () => void): void {
  const { log } = console;
  let warning: unknown;
  console.log = (message: unknown) => {
    warning ??= message;
  };
  try {
    work();
  } finally {
    console.log = log;
  }
  if (warning !== undefined) throw new DecodeFailure('corrupt', 'its pixels do not fill the frame');
}

/** The frame alone, RGBA. */
function blitFrame(bytes: Buffer, screen: GifFrame): Uint8Array {
  const { start, left, top, frameWidth, frameHeight, paletteSize } = screen;
  const end = findGifFrameEnd(bytes, screen);
  if (!hasSoundCodes(bytes, start)) throw new DecodeFailure('corrupt', 'its pixels do not decode');
  // A file of this one frame, moved to the corner of a screen of its size.
  const single = Buffer.concat([bytes.subarray(0, end), Buffer.from([0x3b])]);
  single.writeUInt16LE(Math.max(left + frameWidth, 1), 6);
  single.writeUInt16LE(Math.max(top + frameHeight, 1), 8);
  try {
    const reader = new GifReader(single);
    const info = reader.frameInfo(0) as unknown as { x: number; y: number; transparent_index: number | null; width: number };
    // The library leaves transparent pixels out, Pillow's convert("RGB") shows their colour.
    info.transparent_index = null;
    if (paletteSize === 0) throw new DecodeFailure('corrupt', 'it has no colour table');
    const pixels = new Uint8Array((left + frameWidth) * (top + frameHeight) * 4);
    failOnWarning(() => reader.decodeAndBlitFrameRGBA(0, pixels));
    if (left === 0 && top === 0) return pixels;
    const frame = new Uint8Array(frameWidth * frameHeight * 4);
    const stride = (left + frameWidth) * 4;
    for (let y = 0; y < frameHeight; y++) {
      const start = (top + y) * stride + left * 4;
      frame.set(pixels.subarray(start, start + frameWidth * 4), y * frameWidth * 4);
    }
    return frame;
  } catch (error) {
    if (error instanceof DecodeFailure) throw error;
    throw new DecodeFailure('corrupt', (error as Error).message ?? String(error));
  }
}
