/** One image in a decode thread: what its header says, and its pixels. */
import { InterrogatorError } from '../../errors';
import { decodeBmp } from '../decoders/bmp';
import { decodeGif } from '../decoders/gif';
import { decodePng } from '../decoders/png';
import { type DecodeRequest, requireSize } from '../decoders/request';
import { type DecodedPixels, upright, withoutAlpha } from '../decoders/rgb';
import { decodeWithSharp, loadSharp, type SharpModule } from '../decoders/sharp';
import { DecodeFailure, describeFailure, type RgbImage } from '../failure';
import { describeUnknown, FORMATS, type FormatName, type ImageHeader, sniff } from '../formats';
import type { OpenReply, OpenRequest } from './messages';

/** Those whose decoders find out themselves whether pixels are missing: all may be there where the file is cut. */
const COUNT_PIXELS: ReadonlySet<FormatName> = new Set(['png', 'gif']);

const HOLD_FRAMES: ReadonlySet<FormatName> = new Set(['webp', 'avif']);

/** An image whose header makes sense. */
export interface OpenedImage {
  reply: OpenReply;
  /** Rejects with the errors of `decodeImage`. `beforeOwn` is called where sharp does not decode it, or refuses it. */
  decode(beforeOwn: () => void): Promise<RgbImage>;
}

/** Reads the header of what was asked for, whose file's bytes are given. Rejects with the errors of `decodeImage`. */
export async function openImage(asked: OpenRequest, bytes: Buffer): Promise<OpenedImage> {
  const { name, maxPixels, orientation, background, truncated } = asked;
  if (bytes.length === 0) {
    throw new InterrogatorError('ERR_IMAGE_EMPTY', `${name} is empty`, { hint: 'Copy or download the image again.' });
  }
  const format = sniff(bytes);
  if (!format) {
    throw new InterrogatorError('ERR_IMAGE_FORMAT', `${name} is not an image that can be read: it looks like ${describeUnknown(bytes)}`, {
      hint: `Supported are ${new Intl.ListFormat('en').format(Object.values(FORMATS).map(({ label }) => label))}; the content counts, not the name.`,
    });
  }
  const { label } = format;
  const header = await describing(name, label, undefined, () => format.readHeader(bytes));
  checkSize(name, label, header, maxPixels);
  const isLenient = truncated === 'best-effort';
  await describing(name, label, undefined, () => format.prepare?.(bytes, isLenient));
  // libvips composes GIFs differently from Pillow and does not read BMP.
  const sharp = format.name === 'gif' || format.name === 'bmp' || !asked.usesSharp ? undefined : loadSharp();
  if (format.name === 'avif' && !sharp) {
    throw new InterrogatorError('ERR_IMAGE_FORMAT', `${name} is an ${label} image, which is read with sharp only`, {
      hint: 'Install the optional package sharp (npm install sharp), or convert the image.',
    });
  }
  const { width, height } = header;
  const request: DecodeRequest = {
    format: format.name,
    bytes,
    width,
    height,
    // TIFF is the one format that Pillow turns upright when it opens a file.
    orientation: orientation === 'exif' || format.name === 'tiff' ? header.orientation : undefined,
    background,
    isLenient,
  };
  // What the decoders in JavaScript keep beside the image is up to three times as large; those of video keep whole frames.
  const reply = { label, pixels: width * height, memory: width * height * (!sharp ? 4 : HOLD_FRAMES.has(format.name) ? 3 : 1) };
  const marked = async (beforeOwn: () => void): Promise<RgbImage> => {
    const image = await decode(request, header, sharp, beforeOwn);
    return isLenient && header.isTruncated() ? { ...image, isTruncated: true } : image;
  };
  return { reply, decode: (beforeOwn) => describing(name, label, header, () => marked(beforeOwn)) };
}

async function decode(
  request: DecodeRequest,
  header: ImageHeader,
  sharp: SharpModule | undefined,
  beforeOwn: () => void,
): Promise<RgbImage> {
  const image = sharp ? await decodeWithSharp(sharp, request) : 'own';
  if (image !== 'own') return image;
  beforeOwn();
  if (!request.isLenient && !COUNT_PIXELS.has(request.format) && header.isTruncated()) {
    throw new DecodeFailure('truncated', 'the file ends before its pixels do');
  }
  const pixels = await decodeFormat(request);
  requireSize(pixels, request);
  return upright(withoutAlpha(pixels, request.background), request.orientation);
}

/** Each format's library is loaded when it is first needed. */
async function decodeFormat(request: DecodeRequest): Promise<DecodedPixels> {
  const bytes = request.bytes as Buffer;
  switch (request.format) {
    case 'bmp':
      return decodeBmp(bytes, request);
    case 'gif':
      return decodeGif(bytes, request);
    case 'png':
      return decodePng(bytes, request);
    case 'webp':
      return (require('../decoders/webp') as typeof import('../decoders/webp')).decodeWebp(bytes, request);
    case 'jpeg':
      return (require('../decoders/jpeg') as typeof import('../decoders/jpeg')).decodeJpeg(bytes, request);
    case 'tiff':
      return (require('../decoders/tiff') as typeof import('../decoders/tiff')).decodeTiff(bytes, request);
    case 'avif':
      throw new DecodeFailure('corrupt', 'it is read with sharp only');
  }
}

function checkSize(name: string, label: string, { width, height }: ImageHeader, maxPixels: number): void {
  if (width > 0 && height > 0 && width * height <= maxPixels) return;
  const limit = width > 0 && height > 0 ? `; at most ${maxPixels} pixels are allowed` : '';
  throw new InterrogatorError('ERR_IMAGE_SIZE', `${name} is a ${label} of ${width} × ${height} pixels${limit}`, {
    hint: limit ? 'Make the image smaller.' : 'The file is damaged: copy or download it again.',
  });
}

/** Adds the image's name to what fails. */
async function describing<T>(name: string, label: string, header: ImageHeader | undefined, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const failure = failureOf(error);
    // Asked of the file where the decoder could not tell.
    const isTruncated = failure.kind === 'corrupt' && header?.isTruncated();
    throw describeFailure(isTruncated ? new DecodeFailure('truncated', failure.message) : failure, name, label);
  }
}

function failureOf(error: unknown): DecodeFailure {
  if (error instanceof DecodeFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isMemory = error instanceof RangeError && /allocation failed|Invalid typed array length|larger than/.test(message);
  return new DecodeFailure(isMemory ? 'memory' : 'corrupt', message.split('\n', 1)[0] as string);
}
