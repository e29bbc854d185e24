/** The first page of a TIFF by UTIF, the decoder that jimp uses. */
import { constants, inflateSync } from 'node:zlib';
import { decode, decodeImage, type IFD, toRGBA8 } from 'utif2';
import { corrupt, truncated } from '../formats/format';
import { jpeg } from '../formats/jpeg';
import { TAG, TiffDirectory } from '../formats/tiff';
import type { DecodeRequest } from './request';
import { type DecodedPixels, inksToRgb, withoutAlpha } from './rgb';
import { undisturbed } from './undisturbed';

const RAW = 1;
const JPEG = 7;
const PACK_BITS = 32773;
const DEFLATE = [8, 32946];

/** Those that the library undoes; it takes the bytes of others for pixels. */
const COMPRESSIONS = new Set([RAW, 2, 3, 4, 5, JPEG, ...DEFLATE, PACK_BITS]);
const INKS = 5;
const MOST_SAMPLES = 8;
/** Parts are padded to whole bytes, rows and blocks. */
const MARGIN = 1 << 16;

export function decodeTiff(bytes: Buffer, { width, height, isLenient }: DecodeRequest): DecodedPixels {
  const directory = new TiffDirectory(bytes);
  if (directory.isBig) throw corrupt('BigTIFF can be read with sharp only');
  const compression = directory.number(TAG.compression) ?? 1;
  if (!COMPRESSIONS.has(compression)) throw corrupt(`compression ${compression} can be read with sharp only`);
  directory.requireValues();
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const page = decode(file)[0] as IFD;
  // The library allocates by these.
  if (tag(page, TAG.width) !== width || tag(page, TAG.height) !== height) throw corrupt('its directory tells its size twice');
  const isWhole = checkParts(bytes, directory, compression, page, width, height);
  if (!isWhole && !isLenient) throw truncated('its pixels end before the image does');
  decodeImage(file, page);
  const channels = tag(page, TAG.samples) ?? 1;
  if (tag(page, TAG.photometric) === INKS) {
    if (tag(page, TAG.bits) !== 8 || page.data.length < channels * width * height)
      throw corrupt('inks of this kind can be read with sharp only');
    return inksToRgb({ data: page.data, width, height, channels });
  }
  const image = { data: toRGBA8(page), width, height, channels: 4 } as const;
  // The file may say that its fourth sample is no alpha.
  return tag(page, TAG.extraSamples) === 0 ? { ...withoutAlpha(image, undefined), channels: 3 } : image;
}

/**
 * The library allocates what the file says, of samples, tiles and what is compressed in them. Tells whether there are pixels for the whole
 * image, which the library does not; of LZW and fax codes the number of parts counts.
 */
function checkParts(bytes: Buffer, directory: TiffDirectory, compression: number, page: IFD, width: number, height: number): boolean {
  const [bits, samples] = [tag(page, TAG.bits) ?? 1, tag(page, TAG.samples) ?? 1];
  if (![1, 2, 4, 8, 16, 32, 64].includes(bits) || samples < 1 || samples > MOST_SAMPLES)
    throw corrupt(`${samples} samples of ${bits} bits are unknown`);
  const isTiled = directory.has(TAG.tileOffsets);
  const [columns, rows] = [directory.number(TAG.tileWidth) ?? 0, directory.number(TAG.tileHeight) ?? 0];
  if (isTiled && (columns < 1 || rows < 1)) throw corrupt('its tiles have no size');
  const pixels = width * height;
  // A tile may reach over the edges of a small image.
  const most = isTiled ? Math.min(columns * rows, 4 * pixels + MARGIN) : pixels;
  // The library takes the one plane after the other for pixels.
  if (samples > 1 && tag(page, TAG.planes) === 2) throw corrupt('planes can be read with sharp only');
  const rowBytes = Math.ceil(((isTiled ? columns : width) * bits * samples) / 8);
  const partRows = isTiled ? rows : (directory.number(TAG.stripRows) ?? height);
  const wantedRows = isTiled ? Math.ceil(width / columns) * Math.ceil(height / rows) * rows : height;
  let found = 0;
  for (const [offset, length] of directory.parts(isTiled)) {
    found += partRows * rowBytes;
    const part = bytes.subarray(offset, offset + length);
    if (compression === JPEG) {
      const size = jpeg.readHeader(part);
      if (size.width * size.height > 2 * most + MARGIN) throw corrupt('a part of it is larger than the image');
    } else {
      const missing = partRows * rowBytes - expandedLength(part, compression, ((most * bits) / 8) * samples + MARGIN);
      if (length > 0 && missing > 0) found -= missing;
    }
  }
  return found >= wantedRows * rowBytes;
}

/** Infinite where that would take decoding. */
function expandedLength(part: Buffer, compression: number, most: number): number {
  if (compression === RAW) return part.length;
  if (compression === PACK_BITS) return packBitsLength(part);
  if (!DEFLATE.includes(compression)) return Number.POSITIVE_INFINITY;
  try {
    const options = { maxOutputLength: Math.ceil(Math.min(most, 2 ** 31)), finishFlush: constants.Z_SYNC_FLUSH };
    return undisturbed(() => inflateSync(part, options)).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw corrupt('a part of it is larger than the image');
    // What is wrong with the stream otherwise is the library's to find.
    return Number.POSITIVE_INFINITY;
  }
}

function packBitsLength(part: Buffer): number {
  let length = 0;
  for (let at = 0; at < part.length; ) {
    const code = part[at] as number;
    if (code !== 128) length += code < 128 ? code + 1 : 257 - code;
    at += code < 128 ? code + 2 : code > 128 ? 2 : 1;
  }
  return length;
}

function tag(page: IFD | undefined, number: number): number | undefined {
  const values = page?.[`t${number}`];
  return Array.isArray(values) || ArrayBuffer.isView(values) ? Number((values as number[])[0]) : undefined;
}
