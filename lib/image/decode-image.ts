import { MAX_PIXELS } from '../arguments/limits';
import { InterrogatorError, throwIfAborted } from '../errors';
import { type DecodedImage, type DecodeJob, decodeInTurn } from './decoders/queue';
import type { Color, DecodeRequest } from './decoders/request';
import { decodeWithSharp, loadSharp } from './decoders/sharp';
import { decodeInWorker } from './decoders/worker-pool';
import { DecodeFailure } from './failure';
import { describeUnknown, FORMATS, type ImageFormat, type ImageHeader, sniff } from './formats';
import { MOST_STEPS } from './formats/format';
import { type EncodedImage, type ImageSource, openInput } from './inputs';
import { Reading } from './inputs/read-ahead';
import type { RawImage } from './raw-pixels';

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
 * With sharp installed, every format gives Pillow's bytes. Without it, lossless formats do too but for some TIFFs (docs/images.md);
 * JPEG differs by a few levels, because its inverse transform rounds differently.
 *
 * The pixels are in memory of their own, whatever the input; the caller's memory is not looked at after this has returned.
 * An image waits where too many pixels are in memory: whoever gets one must release it.
 *
 * Rejects with `ERR_IMAGE_NOT_FOUND`, `ERR_IO`, `ERR_IMAGE_EMPTY`, `ERR_IMAGE_FORMAT`, `ERR_IMAGE_TRUNCATED`, `ERR_IMAGE_CORRUPT`,
 * `ERR_IMAGE_SIZE`, `ERR_NETWORK`, `ERR_OUT_OF_MEMORY`, `ERR_INVALID_ARGUMENT` or `ERR_ABORTED`.
 */
export async function decodeImage(input: EncodedImage, options: DecodeOptions = {}): Promise<DecodedImage> {
  throwIfAborted(options.signal);
  const background = colorOf(options.background);
  const source = openInput(input);
  using reading = new Reading(options.signal);
  if (source.isSlow) {
    // A place in the queue is not held while somebody else takes their time.
    const bytes = await source.read(options.signal, reading);
    reading.end();
    source.read = async () => bytes;
  }
  return await decodeInTurn(() => prepare(source, reading, background, options), options.signal);
}

/** Reads the file and its header. */
async function prepare(source: ImageSource, reading: Reading, background: Color | undefined, options: DecodeOptions): Promise<DecodeJob> {
  const { name } = source;
  const { signal, maxPixels = MAX_PIXELS, orientation = 'ignore', truncated = 'error' } = options;
  const bytes = await source.read(signal, reading);
  throwIfAborted(signal);
  if (bytes.length === 0) {
    throw new InterrogatorError('ERR_IMAGE_EMPTY', `${name} is empty`, { hint: 'Copy or download the image again.' });
  }
  const format = sniff(bytes);
  if (!format) {
    throw new InterrogatorError('ERR_IMAGE_FORMAT', `${name} is not an image that can be read: it looks like ${describeUnknown(bytes)}`, {
      hint: `Supported are ${new Intl.ListFormat('en').format(Object.values(FORMATS).map(({ label }) => label))}; the content counts, not the name.`,
    });
  }
  const failing = async <T>(work: () => T | Promise<T>, header?: ImageHeader): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw error instanceof DecodeFailure ? describeFailure(error, name, format, header) : error;
    }
  };
  const header = await failing(() => format.readHeader(bytes));
  checkSize(name, format, header, maxPixels);
  await failing(() => format.prepare?.(bytes));
  const { width, height } = header;
  const request: DecodeRequest = {
    format: format.name,
    bytes,
    width,
    height,
    // TIFF is the one format that Pillow turns upright when it opens a file.
    orientation: orientation === 'exif' || format.name === 'tiff' ? header.orientation : undefined,
    background,
    isLenient: truncated === 'best-effort',
  };
  // libvips composes GIFs differently from Pillow and does not read BMP.
  const sharp = format.name === 'gif' || format.name === 'bmp' ? undefined : loadSharp();
  if (format.name === 'avif' && !sharp) {
    throw new InterrogatorError('ERR_IMAGE_FORMAT', `${name} is an ${format.label} image, which is read with sharp only`, {
      hint: 'Install the optional package sharp (npm install sharp), or convert the image.',
    });
  }
  return {
    // What the decoders in JavaScript keep beside the image is up to three times as large.
    pixels: width * height * (sharp ? 1 : 4),
    decode: async () => {
      const image = sharp ? await failing(() => decodeWithSharp(sharp, request), header) : 'own';
      if (image !== 'own' && image !== 'inks') return image;
      // The thread takes the bytes over, and tells itself what is truncated.
      return failing(() => decodeInWorker({ ...request, isCmyk: image === 'inks' }, { timeLimitMs: timeLimit(width * height), signal }));
    },
  };
}

/** The colour that the options' text names. */
export function colorOf(background: string | null | undefined): Color | undefined {
  if (!background) return undefined;
  const digits = background.slice(1).replace(/^(.)(.)(.)$/, '$1$1$2$2$3$3');
  const value = Number.parseInt(digits, 16);
  return { r: value >> 16, g: (value >> 8) & 255, b: value & 255 };
}

function checkSize(name: string, { label }: ImageFormat, { width, height }: ImageHeader, maxPixels: number): void {
  if (width > 0 && height > 0 && width * height <= maxPixels) return;
  const limit = width > 0 && height > 0 ? `; at most ${maxPixels} pixels are allowed` : '';
  throw new InterrogatorError('ERR_IMAGE_SIZE', `${name} is a ${label} of ${width} × ${height} pixels${limit}`, {
    hint: limit ? 'Make the image smaller.' : 'The file is damaged: copy or download it again.',
  });
}

/** Far more than a sound image takes, also on a busy machine: 10 s, and a second a megapixel. */
function timeLimit(pixels: number): number {
  return 10_000 + pixels / 1000;
}

function describeFailure(failure: DecodeFailure, name: string, { label }: ImageFormat, header?: ImageHeader): InterrogatorError {
  // Asked of the file where the decoder could not tell.
  if (failure.kind === 'truncated' || header?.isTruncated(MOST_STEPS)) {
    return new InterrogatorError('ERR_IMAGE_TRUNCATED', `${name} is a truncated ${label}: ${failure.message}`, {
      hint: 'Copy or download it again: its end is missing.',
      cause: failure,
    });
  }
  return new InterrogatorError('ERR_IMAGE_CORRUPT', `${name} is a damaged ${label}: ${failure.message}`, {
    hint: 'Copy or download it again, or convert it with another program.',
    cause: failure,
  });
}
