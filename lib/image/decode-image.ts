import { MAX_PIXELS } from '../arguments/limits';
import { throwIfAborted } from '../errors';
import type { Color } from './decoders/request';
import { loadSharp } from './decoders/sharp';
import { type EncodedImage, openInput } from './inputs';
import { Reading } from './inputs/read-ahead';
import type { RawImage } from './raw-pixels';
import { openInThread } from './threads/decode-threads';
import type { PixelTarget } from './threads/messages';
import { type DecodedImage, decodeInTurn } from './threads/queue';

/** An image in its file's form (a path, a URL, bytes, a stream of them), or raw pixels. */
export type ImageInput = EncodedImage | RawImage;

export interface DecodeOptions {
  signal?: AbortSignal | undefined;
  /** Images of more pixels are refused by their header. Default 178,956,970, as in Pillow. */
  maxPixels?: number;
  /** 'exif' turns the image as its EXIF orientation says. Default 'ignore', as the reference does; TIFFs are turned in any case. */
  orientation?: 'ignore' | 'exif';
  /** '#rgb' or '#rrggbb': what alpha is composed over. Default null: alpha is dropped, as the reference does. */
  background?: string | null;
  /** 'best-effort' decodes files that end too early as far as they go. Default 'error'. */
  truncated?: 'error' | 'best-effort';
}

/**
 * Decodes JPEG, PNG, WebP, GIF (first frame), BMP, TIFF (first page) or AVIF to 8-bit RGB with the pixels of Pillow's
 * `Image.open(file).convert('RGB')`.
 *
 * With sharp installed, every format but AVIF gives Pillow's bytes. Without it, lossless formats do too but for some TIFFs
 * (docs/images.md); JPEG differs by a few levels, because its inverse transform rounds differently.
 *
 * The pixels are in memory of their own, whatever the input; the caller's memory is not looked at after this has returned. With a
 * `target` they go there, and `data` is empty: large arrays cost a garbage collection each on the thread that gets them.
 * An image waits where too many pixels are in memory: whoever gets one must release it.
 *
 * Rejects with `ERR_IMAGE_NOT_FOUND`, `ERR_IO`, `ERR_IMAGE_EMPTY`, `ERR_IMAGE_FORMAT`, `ERR_IMAGE_TRUNCATED`, `ERR_IMAGE_CORRUPT`,
 * `ERR_IMAGE_SIZE`, `ERR_NETWORK`, `ERR_OUT_OF_MEMORY`, `ERR_INVALID_ARGUMENT`, `ERR_ABORTED`, `ERR_RUNTIME` or `ERR_DISPOSED`.
 */
export async function decodeImage(input: EncodedImage, options: DecodeOptions = {}, target?: PixelTarget): Promise<DecodedImage> {
  const { signal, maxPixels = MAX_PIXELS, orientation = 'ignore', truncated = 'error' } = options;
  throwIfAborted(signal);
  const background = colorOf(options.background);
  const source = openInput(input);
  using reading = new Reading(signal);
  // A place in the queue is not held while somebody else takes their time.
  const arrived = source.isSlow ? await source.read(signal, reading) : undefined;
  if (arrived) reading.end();
  return await decodeInTurn(async () => {
    const file = arrived ?? (await source.read(signal, reading));
    // Without it on the main thread, sharp's libraries would be closed with the first thread that ends.
    const usesSharp = process.env.TORCH_INTERROGATOR_DECODER !== 'jimp' && loadSharp() !== undefined;
    const request = { name: source.name, file, maxPixels, orientation, background, truncated, usesSharp, target };
    return openInThread(request, signal);
  }, signal);
}

/** The colour that the options' text names. */
export function colorOf(background: string | null | undefined): Color | undefined {
  if (!background) return undefined;
  const digits = background.slice(1).replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3');
  const value = Number.parseInt(digits, 16);
  return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 };
}
