/** JPEG and TIFF by jimp, with what it does beyond decoding taken out. */
import { Jimp } from 'jimp';
import { DecodeFailure, type RgbImage } from './failure';
import { isFrame, jpeg, jpegSegments } from './formats/jpeg';
import { readTiffDirectory, TAG, tiff } from './formats/tiff';

export async function decodeJpeg(bytes: Buffer): Promise<RgbImage> {
  if (jpeg.readHeader(bytes).isTruncated) throw new DecodeFailure('truncated', 'the file ends before its end marker');
  // Sizes are checked before, and Pillow has no other limit.
  const limits = { maxMemoryUsageInMB: 65_536, maxResolutionInMP: 1_000 };
  const { stripped, isRgb } = withoutExif(bytes);
  return decode(stripped, { 'image/jpeg': isRgb ? { ...limits, colorTransform: false } : limits });
}

/** TIFF's compressions that the library undoes; it takes the bytes of others for pixels. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946]);

export async function decodeTiff(bytes: Buffer): Promise<RgbImage> {
  if (tiff.readHeader(bytes).isTruncated) throw new DecodeFailure('truncated', 'the file ends inside of its pixels');
  const compression = readTiffDirectory(bytes).number(TAG.compression) ?? 1;
  if (!COMPRESSIONS.has(compression)) throw new DecodeFailure('corrupt', `compression ${compression} can be read with sharp only`);
  // The library asks for a browser's window when it meets CMYK; this runs in a thread of its own only.
  Object.assign(globalThis, { window: {} });
  return decode(bytes, {});
}

async function decode(bytes: Buffer, options: object): Promise<RgbImage> {
  try {
    const { bitmap } = await Jimp.fromBuffer(bytes, options as never);
    const { width, height } = bitmap;
    const data = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; to < data.length; from += 4) {
      data[to++] = bitmap.data[from] as number;
      data[to++] = bitmap.data[from + 1] as number;
      data[to++] = bitmap.data[from + 2] as number;
    }
    return { data, width, height };
  } catch (cause) {
    throw new DecodeFailure('corrupt', (cause as Error).message ?? String(cause));
  }
}

/**
 * Without the segment by which jimp would turn the image upright; the reference does not. `isRgb` is true where Adobe's
 * segment says that the components are red, green and blue.
 */
function withoutExif(bytes: Buffer): { stripped: Buffer; isRgb: boolean } {
  let adobeTransform: number | undefined;
  let components = 0;
  const kept = [bytes.subarray(0, 2)];
  let last = 2;
  for (const { marker, start, body, end } of jpegSegments(bytes)) {
    if (marker === 0xee && bytes.toString('latin1', body, body + 5) === 'Adobe') adobeTransform = bytes[body + 11];
    if (isFrame(marker)) components = bytes[body + 5] as number;
    // Without fill bytes and strays before a marker, which the library takes for damage.
    if (marker !== 0xe1) kept.push(bytes.subarray(start, end));
    last = end;
  }
  kept.push(bytes.subarray(last));
  return { stripped: Buffer.concat(kept), isRgb: adobeTransform === 0 && components === 3 };
}
