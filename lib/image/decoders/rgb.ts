/** From what decoders give to 8-bit RGB, in worker threads. */
import type { RgbImage } from '../failure';
import type { Color } from './request';

/** Red, green, blue and alpha, 8 bits each, interleaved; or without alpha. */
export interface DecodedPixels extends RgbImage {
  channels: 3 | 4;
}

/** Composes alpha over the background, or drops it where there is none. */
export function withoutAlpha({ data, width, height, channels }: DecodedPixels, background: Color | undefined): RgbImage {
  if (channels === 3) return { data, width, height };
  const rgb = new Uint8Array(width * height * 3);
  const { r, g, b } = background ?? { r: 0, g: 0, b: 0 };
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
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

/** Pillow's own formula, without profiles: each channel is (255 - K) less its ink's share of that. */
export function inksToRgb(inks: Uint8Array, width: number, height: number): DecodedPixels {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    const light = 255 - (inks[from + 3] as number);
    for (let ink = 0; ink < 3; ink++) {
      const product = (inks[from + ink] as number) * light + 128;
      rgb[to++] = Math.max(0, light - ((product + (product >> 8)) >> 8));
    }
  }
  return { data: rgb, width, height, channels: 3 };
}

/** How an image lies in its file. `swapsSides`: rows of the file are columns of the image. The flips are those of the file's own axes. */
interface Orientation {
  swapsSides: boolean;
  flipsX: boolean;
  flipsY: boolean;
}

/** By TIFF's tag 274. */
const ORIENTATIONS: Readonly<Record<number, Orientation>> = {
  2: { swapsSides: false, flipsX: true, flipsY: false },
  3: { swapsSides: false, flipsX: true, flipsY: true },
  4: { swapsSides: false, flipsX: false, flipsY: true },
  5: { swapsSides: true, flipsX: false, flipsY: false },
  6: { swapsSides: true, flipsX: false, flipsY: true },
  7: { swapsSides: true, flipsX: true, flipsY: true },
  8: { swapsSides: true, flipsX: true, flipsY: false },
};

/** The image turned upright; as it is for 1, undefined and numbers that mean nothing. */
export function upright(image: RgbImage, orientation: number | undefined): RgbImage {
  const how = ORIENTATIONS[orientation ?? 1];
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
