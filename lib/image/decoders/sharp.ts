/** JPEG, PNG, WebP and TIFF by sharp: libvips decodes and converts as Pillow does, bit for bit, on threads of its own. */
import type { Metadata, Sharp, SharpOptions } from 'sharp';
import { DecodeFailure, type RgbImage } from '../failure';
import { TAG, TiffDirectory } from '../formats/tiff';
import { type DecodeRequest, requireSize } from './request';
import { inksToRgb, layOf, type Samples, upright, withoutAlpha } from './rgb';

export type SharpModule = typeof import('sharp');

/** What the whole process shares. */
export interface SharpSettings {
  concurrency: number;
  cache: { memory: number; files: number; items: number };
}

let loaded: SharpModule | null | undefined;

/** Undefined where sharp is not installed or does not load. Loading it sets its settings to their defaults, also from another thread. */
export function loadSharp(): SharpModule | undefined {
  if (loaded === undefined) {
    const { VIPSHOME } = process.env;
    try {
      loaded = require('sharp') as SharpModule;
    } catch {
      loaded = null;
    }
    // It leaves a folder of the machine that built it to all children of the process.
    if (VIPSHOME === undefined) delete process.env.VIPSHOME;
  }
  return loaded ?? undefined;
}

/** The settings in force. */
export function sharpSettings(): SharpSettings | undefined {
  const sharp = loadSharp();
  if (!sharp) return undefined;
  const { memory, files, items } = sharp.cache();
  return { concurrency: sharp.concurrency(), cache: { memory: memory.max, files: files.max, items: items.max } };
}

/** Sets `before` again where `defaults`, which a thread has set, are still in force: nobody has changed them since. */
export function restoreSharpSettings(before: SharpSettings | undefined, defaults: SharpSettings | undefined): void {
  if (!before || JSON.stringify(sharpSettings()) !== JSON.stringify(defaults)) return;
  loadSharp()?.concurrency(before.concurrency);
  loadSharp()?.cache(before.cache);
}

/**
 * Returns the image, or 'own' where sharp refused a damaged file that Pillow may still read, and our own decoder follows Pillow there.
 * Rejects with a DecodeFailure.
 */
export async function decodeWithSharp(sharp: SharpModule, request: DecodeRequest): Promise<RgbImage | 'own'> {
  const { format, isLenient } = request;
  try {
    // Pillow forgives a JPEG's bit errors and a PNG's checksums, but not a TIFF's errors.
    return await decode(sharp, request, format === 'tiff' ? whatIsWrong(request) : 'truncated');
  } catch (failure) {
    if (format === 'png' || (format === 'tiff' && isLenient)) return 'own';
    if (!isLenient) throw ownFailure(failure);
    return decode(sharp, request, 'none').catch((error) => {
      throw ownFailure(error);
    });
  }
}

/** What libvips says beyond this may be of another image: all threads write into one buffer of messages. */
function ownFailure(cause: unknown): unknown {
  // Not sharp's.
  if (cause instanceof DecodeFailure || cause instanceof RangeError) return cause;
  return Object.assign(new DecodeFailure('corrupt', reasonOf(String(cause))), { cause });
}

function reasonOf(message: string): string {
  if (/exceeds pixel limit/.test(message)) return 'it has more pixels than its header says';
  return `its ${/corrupt header|unsupported image format/.test(message) ? 'header' : 'pixels'} cannot be read`;
}

/** libvips leaves tiles black that it cannot read, unless it is to fail for warnings too. Its messages do not tell: threads share them. */
function whatIsWrong({ bytes }: DecodeRequest): SharpOptions['failOn'] {
  return new TiffDirectory(bytes as Buffer).has(TAG.tileOffsets) ? 'warning' : 'error';
}

async function decode(sharp: SharpModule, request: DecodeRequest, failOn: SharpOptions['failOn']): Promise<RgbImage> {
  const { bytes, orientation, background } = request;
  const options = sharpOptions(request, failOn);
  const metadata = await sharp(bytes, options).metadata();
  requireSize(metadata, request);
  let image = sharp(bytes, options);
  if (metadata.space === 'cmyk') {
    // It cannot multiply one channel with another, which the conversion needs.
    const depth = metadata.depth === 'ushort' ? 'ushort' : 'uchar';
    const inks = await rawOf(image.pipelineColourspace('cmyk').toColourspace('cmyk'), depth);
    return upright(inksToRgb(inks, depth === 'ushort' ? 2 : 1), orientation);
  }
  const lay = layOf(orientation);
  // A quarter turn swaps the sides and flips what were the columns; sharp flips first.
  if (lay)
    image = image
      .rotate(lay.swapsSides ? 90 : 0)
      .flip(lay.flipsY !== lay.swapsSides)
      .flop(lay.flipsX);
  // Pillow clips plain 16-bit grey to 255; of other 16-bit images it takes the high bytes, as libvips does.
  if (isPlainGrey16(request, metadata)) image = image.linear(256, 0);
  // Grey is composed over a colour.
  else if (background && hasAlpha(request)) {
    // It composes no image of more channels.
    if (metadata.channels > 4) return withoutAlpha(await rawOf(image), background);
    image = image.pipelineColourspace('srgb').flatten({ background });
  }
  return rawOf(image.removeAlpha());
}

/** A TIFF may say that its further samples are none. */
function hasAlpha({ format, bytes }: DecodeRequest): boolean {
  return format !== 'tiff' || new TiffDirectory(bytes as Buffer).numbers(TAG.extraSamples).next().value !== 0;
}

/** The samples as they come. */
async function rawOf(image: Sharp, depth: 'uchar' | 'ushort' = 'uchar'): Promise<Samples> {
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), width, height, channels };
}

function sharpOptions({ width, height }: DecodeRequest, failOn: SharpOptions['failOn']): SharpOptions {
  // What is larger than the header said is refused before it is allocated.
  return { failOn, ignoreIcc: true, limitInputPixels: width * height, page: 0, pages: 1 };
}

function isPlainGrey16({ format, bytes }: DecodeRequest, { space, channels }: Metadata): boolean {
  // In a PNG, transparency may have been added to what is plain grey in the file.
  return space === 'grey16' && (format === 'png' ? bytes[25] === 0 : channels === 1);
}
