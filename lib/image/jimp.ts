/** JPEG and TIFF by jimp, with what it does beyond decoding taken out. */
import { Jimp } from 'jimp';
import { DecodeFailure, type RgbImage } from './failure';
import { isTruncated } from './header';
import { readTiffHeader } from './tiff-header';

export async function decodeJpeg(bytes: Buffer): Promise<RgbImage> {
  if (isTruncated(bytes, 'jpeg')) throw new DecodeFailure('truncated', 'the file ends before its end marker');
  // Sizes are checked before, and Pillow has no other limit.
  const limits = { maxMemoryUsageInMB: 65_536, maxResolutionInMP: 1_000 };
  const { stripped, isRgb } = withoutExif(bytes);
  return decode(stripped, { 'image/jpeg': isRgb ? { ...limits, colorTransform: false } : limits });
}

/** TIFF's tag of the compression, and those that the library undoes; it takes the bytes of others for pixels. */
const COMPRESSION_TAG = 259;
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946]);

export async function decodeTiff(bytes: Buffer): Promise<RgbImage> {
  if (isTruncated(bytes, 'tiff')) throw new DecodeFailure('truncated', 'the file ends inside of its pixels');
  const [compression = 1] = readTiffHeader(bytes).tags.get(COMPRESSION_TAG) ?? [];
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
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    const marker = bytes[at + 1] as number;
    if (marker === 0xee && bytes.toString('latin1', at + 4, at + 9) === 'Adobe') adobeTransform = bytes[at + 15];
    if (marker >= 0xc0 && marker <= 0xc2) components = bytes[at + 9] as number;
    if (marker !== 0xe1) kept.push(bytes.subarray(at, end));
    at = end;
  }
  kept.push(bytes.subarray(at));
  return { stripped: Buffer.concat(kept), isRgb: adobeTransform === 0 && components === 3 };
}
