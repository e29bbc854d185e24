/** From what decoders give to 8-bit RGB. */
import type { RgbImage } from '../failure';
import type { Color } from './request';

/** Samples of 8 bits, interleaved. */
export interface Samples extends RgbImage {
  channels: number;
}

/** Red, green, blue and alpha; or without alpha. */
export interface DecodedPixels extends Samples {
  channels: 3 | 4;
}

/**
 * Composes the fourth channel, alpha, over the background, or drops it where there is none. The pixels stay in the same memory, which is
 * large.
 */
export function withoutAlpha({ data, width, height, channels }: Samples, background: Color | undefined): RgbImage {
  if (channels === 3) return { data, width, height };
  const rgb = data.subarray(0, width * height * 3);
  const { r, g, b } = background ?? { r: 0, g: 0, b: 0 };
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const alpha = background ? (data[from + 3] as number) : 255;
    rgb[to] = over(data[from] as number, r, alpha);
    rgb[to + 1] = over(data[from + 1] as number, g, alpha);
    rgb[to + 2] = over(data[from + 2] as number, b, alpha);
  }
  return { data: rgb, width, height };
}

function over(color: number, below: number, alpha: number): number {
  return Math.round((color * alpha + below * (255 - alpha)) / 255);
}

/** One sample of up to 8 bits. The first one of a byte lies in its highest bits. */
export function sampleAt(packed: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return packed[index] as number;
  const bit = index * depth;
  return ((packed[bit >> 3] as number) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** Gives each index its colour, of so many bytes. */
export function paint(indices: Uint8Array, colors: Uint8Array, channels: number): Uint8Array {
  const data = new Uint8Array(indices.length * channels);
  for (let from = 0, to = 0; from < indices.length; from++) {
    const color = channels * (indices[from] as number);
    data[to++] = colors[color] as number;
    data[to++] = colors[color + 1] as number;
    data[to++] = colors[color + 2] as number;
    if (channels === 4) data[to++] = colors[color + 3] as number;
  }
  return data;
}

/**
 * Pillow's own formula, without profiles: each channel is (255 - K) less its ink's share of that. It stays in the same memory. Of samples
 * of 16 bits, in the machine's order, the high bytes count.
 */
export function inksToRgb({ data: inks, width, height, channels }: Samples, bytes: 1 | 2 = 1): DecodedPixels {
  const rgb = inks.subarray(0, width * height * 3);
  for (let from = bytes - 1, to = 0; to < rgb.length; from += channels * bytes) {
    const light = 255 - (inks[from + 3 * bytes] as number);
    for (let ink = 0; ink < 3; ink++) {
      const product = (inks[from + ink * bytes] as number) * light + 128;
      rgb[to++] = Math.max(0, light - ((product + (product >> 8)) >> 8));
    }
  }
  return { data: rgb, width, height, channels: 3 };
}

/**
 * How an image lies in its file, by TIFF's tag 274: 1 and numbers that mean nothing are upright. `swapsSides`: rows of the file are
 * columns of the image. The flips are those of the file's own axes.
 */
export function layOf(tag = 1): { swapsSides: boolean; flipsX: boolean; flipsY: boolean } | undefined {
  if (!(tag > 1 && tag <= 8)) return undefined;
  const swapsSides = tag > 4;
  const [flipsX, flipsY] = [(tag & 2) !== 0, ((tag - 1) & 2) !== 0];
  return swapsSides ? { swapsSides, flipsX: flipsY, flipsY: flipsX } : { swapsSides, flipsX, flipsY };
}

/** The image turned upright; as it is for 1, undefined and numbers that mean nothing. */
export function upright(image: RgbImage, orientation: number | undefined): RgbImage {
  const how = layOf(orientation);
  if (!how) return image;
  const { data, width, height } = image;
  const [outWidth, outHeight] = how.swapsSides ? [height, width] : [width, height];
  // Where the upper left pixel comes from, and how far the next column and the next row are from there.
  const start = 3 * ((how.flipsY ? height - 1 : 0) * width + (how.flipsX ? width - 1 : 0));
  const stepX = how.flipsX ? -3 : 3;
  const stepY = (how.flipsY ? -3 : 3) * width;
  const [column, row] = how.swapsSides ? [stepY, stepX] : [stepX, stepY];
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < outHeight; y++) {
    for (let x = 0, from = start + y * row; x < outWidth; x++, from += column) {
      out[to++] = data[from] as number;
      out[to++] = data[from + 1] as number;
      out[to++] = data[from + 2] as number;
    }
  }
  return { data: out, width: outWidth, height: outHeight };
}
