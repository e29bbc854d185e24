import { readFile, stat } from 'node:fs/promises';
import { types } from 'node:util';
import { abandonable } from '../engine/abort';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import { DecodeFailure, type RgbImage } from './failure';
import { describeUnknown, FORMATS, type ImageFormat, type ImageHeader, sniff } from './formats';
import { upright } from './orientation';
import { checkRawImage, describe, isRawImage, type RawImage, rawToRgb } from './raw-pixels';
import { decodeWithSharp, loadSharp } from './sharp-decoder';
import { decodeInWorker } from './worker-pool';

/** A file's path, an encoded file's bytes, or raw pixels. */
export type ImageInput = string | Uint8Array | RawImage;

export interface DecodeOptions {
  signal?: AbortSignal;
  /** Images of more pixels are refused by their header. Default 178,956,970, as in Pillow. */
  maxPixels?: number;
}

/** Pillow's own bound against decompression bombs: twice 256 MiB / 3. */
export const MAX_PIXELS = 178_956_970;

/**
 * Decodes JPEG, PNG, WebP, GIF (first frame), BMP or TIFF (first page) to 8-bit RGB with the pixels of Pillow's
 * `Image.open(file).convert('RGB')`: EXIF orientation (but for TIFF's own) and colour profiles are ignored, alpha is dropped.
 *
 * With sharp installed, every format gives Pillow's bytes. Without it, lossless formats do too but for some TIFFs (docs/images.md);
 * JPEG differs by a few levels, because its inverse transform rounds differently.
 *
 * The pixels are in memory of their own, whatever the input.
 *
 * Rejects with `ERR_IMAGE_NOT_FOUND`, `ERR_IO`, `ERR_IMAGE_EMPTY`, `ERR_IMAGE_FORMAT`, `ERR_IMAGE_TRUNCATED`, `ERR_IMAGE_CORRUPT`,
 * `ERR_IMAGE_SIZE`, `ERR_INVALID_ARGUMENT` or `ERR_ABORTED`.
 */
export async function decodeImage(input: ImageInput, { signal, maxPixels = MAX_PIXELS }: DecodeOptions = {}): Promise<RgbImage> {
  throwIfAborted(signal);
  if (isRawImage(input)) {
    checkRawImage(input, maxPixels);
    return rawToRgb(input);
  }
  const name = typeof input === 'string' ? input : 'the image buffer';
  const bytes = await readInput(input, signal);
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
  let header: ImageHeader | undefined;
  try {
    header = format.readHeader(bytes);
    checkSize(name, format, header, maxPixels);
    return await abandonable(decodeFormat(name, bytes, format, header, signal), signal);
  } catch (error) {
    throw error instanceof DecodeFailure ? describeFailure(error, name, format, header) : error;
  }
}

async function readInput(input: unknown, signal: AbortSignal | undefined): Promise<Buffer> {
  // Memory that was handed to another thread has no length any more, and reads as an empty file.
  if ((types.isUint8Array(input) || types.isAnyArrayBuffer(input)) && input.byteLength === 0) return Buffer.alloc(0);
  if (types.isUint8Array(input)) return Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (types.isAnyArrayBuffer(input)) return Buffer.from(input as ArrayBuffer);
  if (typeof input !== 'string' || input === '') {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${describe(input)}`, {
      hint: "Give a file's path, a Buffer of an encoded file, or raw pixels {data, width, height, channels}.",
    });
  }
  try {
    await requireFile(input);
    return await readFile(input, { signal });
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    throw describeReadError(input, cause as NodeJS.ErrnoException, signal);
  }
}

/** Opening a pipe that nobody writes to waits for ever, in a thread that no signal reaches; a device may never end. */
async function requireFile(path: string): Promise<void> {
  const found = await stat(path);
  if (found.isFile() || found.isDirectory()) return;
  throw new InterrogatorError('ERR_IO', `${path} is a pipe, a socket or a device, not a file`, {
    hint: "Give a file's path, or read it yourself and give the bytes.",
  });
}

function describeReadError(path: string, cause: NodeJS.ErrnoException, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new AbortError(signal.reason);
  switch (cause.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ERR_INVALID_ARG_VALUE':
      return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no file ${path}`, {
        hint: /^https?:/i.test(path) ? 'Fetch a URL first, or use the command line, which does.' : 'Check the path.',
        cause,
      });
    case 'EISDIR':
      return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `${path} is a folder, not an image`, {
        hint: 'Give the path of one file.',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new InterrogatorError('ERR_IO', `No permission to read ${path}`, { hint: 'Change its permissions or its owner.', cause });
    default:
      return new InterrogatorError('ERR_IO', `Cannot read ${path}: ${cause.message}`, { cause });
  }
}

function checkSize(name: string, { label }: ImageFormat, { width, height }: ImageHeader, maxPixels: number): void {
  if (width > 0 && height > 0 && width * height <= maxPixels) return;
  const limit = width > 0 && height > 0 ? `; at most ${maxPixels} pixels are allowed` : '';
  throw new InterrogatorError('ERR_IMAGE_SIZE', `${name} is a ${label} of ${width} × ${height} pixels${limit}`, {
    hint: limit ? 'Make the image smaller.' : 'The file is damaged: copy or download it again.',
  });
}

async function decodeFormat(
  name: string,
  bytes: Buffer,
  { name: kind, label }: ImageFormat,
  { width, height, orientation }: ImageHeader,
  signal: AbortSignal | undefined,
): Promise<RgbImage> {
  // libvips composes GIFs differently from Pillow and does not read BMP.
  const sharp = kind === 'gif' || kind === 'bmp' ? undefined : loadSharp();
  if (kind === 'avif' && !sharp) {
    throw new InterrogatorError('ERR_IMAGE_FORMAT', `${name} is an ${label} image, which is read with sharp only`, {
      hint: 'Install the optional package sharp (npm install sharp), or convert the image.',
    });
  }
  const decoding = sharp
    ? decodeWithSharp(sharp, bytes, kind)
    : decodeInWorker(kind, bytes, { timeLimitMs: timeLimit(width * height), signal });
  // The one format that Pillow turns upright when it opens a file.
  return kind === 'tiff' ? upright(await decoding, orientation) : decoding;
}

/** Far more than a sound image takes, also on a busy machine: 10 s, and a second a megapixel. */
function timeLimit(pixels: number): number {
  return 10_000 + pixels / 1000;
}

function describeFailure(failure: DecodeFailure, name: string, { label }: ImageFormat, header?: ImageHeader): InterrogatorError {
  // Asked of the file where the decoder could not tell.
  if (failure.kind === 'truncated' || header?.isTruncated) {
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
