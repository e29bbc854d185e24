/** JPEG by jimp, with what it does beyond decoding taken out. */
import { truncated } from '../formats/format';
import { isFrame, jpegSegments } from '../formats/jpeg';
import type { DecodeRequest } from './request';
import type { DecodedPixels } from './rgb';

const EXIF = 0xe1;
const ADOBE = 0xee;
/** The side of the largest unit of blocks, in samples. */
const BLOCKS = 128;

/** Of a block of 64 samples the shortest code takes a bit, and colours may have a quarter of the blocks. */
const MOST_PIXELS_PER_BYTE = 512;

export async function decodeJpeg(bytes: Buffer, { width, height, isLenient }: DecodeRequest): Promise<DecodedPixels> {
  if (!isLenient && width * height > MOST_PIXELS_PER_BYTE * bytes.length) throw truncated('it has too few bytes for its pixels');
  const { Jimp } = await import('jimp');
  const { plain, isRgb } = withoutStrays(bytes);
  const { bitmap } = await Jimp.fromBuffer(plain, {
    'image/jpeg': {
      // A larger frame is refused before it is allocated. Besides, the thread's own memory is limited.
      maxResolutionInMP: (width * height + 0.5) / 1e6,
      maxMemoryUsageInMB: mostMemory(plain.length, width, height) / (1 << 20),
      ...(isRgb && { colorTransform: false }),
    },
  });
  return { data: bitmap.data, width: bitmap.width, height: bitmap.height, channels: 4 };
}

/**
 * What jimp counts of its own allocations for such an image, at most: 4 bytes a coefficient, and two bytes a sample, of four components,
 * whose sides are rounded up to whole blocks, 4 bytes a pixel of the result, and quantization tables of 4 bytes an entry.
 */
function mostMemory(length: number, width: number, height: number): number {
  return 32 * (width + BLOCKS) * (height + BLOCKS) + 4 * length;
}

/**
 * Without bytes and bare markers between segments, which jimp takes for damage, and without EXIF, by which it would turn the image.
 * `isRgb` is true where Adobe's segment says that the components are red, green and blue.
 */
function withoutStrays(bytes: Buffer): { plain: Buffer; isRgb: boolean } {
  let adobeTransform: number | undefined;
  let components = 0;
  const kept = [bytes.subarray(0, 2)];
  let last = 2;
  for (const { marker, start, body, end } of jpegSegments(bytes)) {
    if (marker === ADOBE && bytes.toString('latin1', body, body + 5) === 'Adobe') adobeTransform = bytes[body + 11];
    if (isFrame(marker)) components = bytes[body + 5] as number;
    if (marker !== EXIF && body > start + 2) kept.push(bytes.subarray(start, end));
    last = end;
  }
  kept.push(bytes.subarray(last));
  return { plain: Buffer.concat(kept), isRgb: adobeTransform === 0 && components === 3 };
}
