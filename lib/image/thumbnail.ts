/** Small pictures of images, for people to look at. */
import { open } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../errors';
import { decodeImage } from './decode-image';
import { loadSharp, type SharpModule } from './decoders/sharp';
import type { RgbImage } from './failure';
import { jpeg } from './formats/jpeg';
import type { EncodedImage } from './inputs';
import { readImage } from './read-image';

export interface ThumbnailOptions {
  /** The longer side in pixels, at the most: 1 to 1024. Smaller images are not enlarged. Default 160. */
  size?: number;
  signal?: AbortSignal | undefined;
}

const QUALITY = 72;
/** Transparent parts are seen on white. */
const BACKGROUND = '#ffffff';
const HEAD_BYTES = 16;
/** A progressive JPEG takes memory for all of its pixels. Larger ones wait for their turn as every other image does. */
const MOST_UNCOUNTED = 48_000_000;
/** Pixels that are averaged before the event loop has its turn: 1 ms or so. */
const PIXELS_PER_TURN = 1 << 17;

/**
 * A small JPEG of an image, upright as its EXIF orientation says. An image that ends too early is shown as far as it goes.
 * Rejects with the errors of `decodeImage`.
 */
export async function thumbnail(image: EncodedImage, { size = 160, signal }: ThumbnailOptions = {}): Promise<Buffer> {
  const file = await readImage(image, { signal });
  const sharp = process.env.TORCH_INTERROGATOR_DECODER === 'jimp' ? undefined : loadSharp();
  if (sharp && (await isJpeg(file))) {
    const small = await shrinkJpeg(sharp, file, size);
    throwIfAborted(signal);
    if (small) return small;
  }
  using decoded = await decodeImage(file, { orientation: 'exif', background: BACKGROUND, truncated: 'best-effort', signal });
  return sharp ? shrink(sharp, decoded, size) : encodeJpeg(await average(decoded, size));
}

async function isJpeg(file: string | Buffer): Promise<boolean> {
  if (typeof file !== 'string') return jpeg.matches(file);
  const head = Buffer.alloc(HEAD_BYTES);
  const handle = await open(file).catch(() => undefined);
  try {
    await handle?.read(head, 0, HEAD_BYTES, 0);
  } finally {
    await handle?.close();
  }
  return jpeg.matches(head);
}

/** libvips decodes an eighth of the pixels of a large JPEG, which takes a tenth of the time. Undefined for what it refuses. */
async function shrinkJpeg(sharp: SharpModule, file: string | Buffer, size: number): Promise<Buffer | undefined> {
  const image = sharp(file, { failOn: 'none', limitInputPixels: MOST_UNCOUNTED, autoOrient: true });
  return image
    .resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: QUALITY })
    .toBuffer()
    .catch(() => undefined);
}

async function shrink(sharp: SharpModule, { data, width, height }: RgbImage, size: number): Promise<Buffer> {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return image.resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true }).jpeg({ quality: QUALITY }).toBuffer();
}

/** Each pixel is the mean of those that it covers. */
async function average({ data, width, height }: RgbImage, size: number): Promise<RgbImage> {
  const scale = Math.min(1, size / Math.max(width, height));
  const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const small = new Uint8Array(columns * rows * 3);
  const sums = new Float64Array(3);
  let averaged = 0;
  for (let row = 0, to = 0; row < rows; row += 1) {
    const [top, bottom] = [Math.floor((row * height) / rows), Math.ceil(((row + 1) * height) / rows)];
    for (let column = 0; column < columns; column += 1, to += 3) {
      const [left, right] = [Math.floor((column * width) / columns), Math.ceil(((column + 1) * width) / columns)];
      sums.fill(0);
      for (let y = top; y < bottom; y += 1) {
        for (let x = left, at = 3 * (y * width + left); x < right; x += 1, at += 3) {
          for (let channel = 0; channel < 3; channel += 1) sums[channel] = (sums[channel] as number) + (data[at + channel] as number);
        }
      }
      const count = (bottom - top) * (right - left);
      for (let channel = 0; channel < 3; channel += 1) small[to + channel] = Math.round((sums[channel] as number) / count);
    }
    averaged += (bottom - top) * width;
    if (averaged < PIXELS_PER_TURN) continue;
    averaged = 0;
    await nextTurn();
  }
  return { data: small, width: columns, height: rows };
}

async function encodeJpeg({ data, width, height }: RgbImage): Promise<Buffer> {
  const { Jimp } = await import('jimp');
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) rgba.set(data.subarray(from, from + 3), to);
  return new Jimp({ data: rgba, width, height }).getBuffer('image/jpeg', { quality: QUALITY });
}
