/** The first page of a TIFF by UTIF, the decoder that jimp uses. */
import { inflateSync } from 'node:zlib';
import { decode, decodeImage, type IFD, toRGBA8 } from 'utif2';
import { corrupt } from '../formats/format';
import { jpeg } from '../formats/jpeg';
import { TAG, TiffDirectory } from '../formats/tiff';
import type { DecodeRequest } from './request';
import { type DecodedPixels, inksToRgb } from './rgb';

const JPEG = 7;
const DEFLATE = [8, 32946];

/** Those that the library undoes; it takes the bytes of others for pixels. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, JPEG, ...DEFLATE, 32773]);
const INKS = 5;
const MOST_SAMPLES = 8;
/** Parts are padded to whole bytes, rows and blocks. */
const MARGIN = 1 << 16;

export function decodeTiff(bytes: Buffer, { width, height }: DecodeRequest): DecodedPixels {
  const directory = new TiffDirectory(bytes);
  if (directory.isBig) throw corrupt('BigTIFF can be read with sharp only');
  const compression = directory.number(TAG.compression) ?? 1;
  if (!COMPRESSIONS.has(compression)) throw corrupt(`compression ${compression} can be read with sharp only`);
  directory.requireValues();
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const page = decode(file)[0] as IFD;
  // The library allocates by these.
  if (tag(page, TAG.width) !== width || tag(page, TAG.height) !== height) throw corrupt('its directory tells its size twice');
  checkParts(bytes, directory, compression, page, width * height);
  decodeImage(file, page);
  const isInks = tag(page, 262) === INKS && tag(page, 258) === 8 && page.data.length >= 4 * width * height;
  if (isInks) return inksToRgb(page.data, width, height);
  return { data: toRGBA8(page), width, height, channels: 4 };
}

/** The library allocates what the file says, of samples, tiles and what is compressed in them. */
function checkParts(bytes: Buffer, directory: TiffDirectory, compression: number, page: IFD, pixels: number): void {
  const [bits, samples] = [tag(page, TAG.bits) ?? 1, tag(page, TAG.samples) ?? 1];
  if (![1, 2, 4, 8, 16, 32, 64].includes(bits) || samples < 1 || samples > MOST_SAMPLES)
    throw corrupt(`${samples} samples of ${bits} bits are unknown`);
  const isTiled = directory.has(TAG.tileOffsets);
  const [columns, rows] = [directory.number(TAG.tileWidth) ?? 0, directory.number(TAG.tileHeight) ?? 0];
  if (isTiled && (columns < 1 || rows < 1)) throw corrupt('its tiles have no size');
  // A tile may reach over the edges of a small image.
  const most = isTiled ? Math.min(columns * rows, 4 * pixels + MARGIN) : pixels;
  for (const [offset, length] of directory.parts(isTiled)) {
    const part = bytes.subarray(offset, offset + length);
    if (compression === JPEG) {
      const size = jpeg.readHeader(part);
      if (size.width * size.height > 2 * most + MARGIN) throw corrupt('a part of it is larger than the image');
    } else if (DEFLATE.includes(compression)) {
      requireLength(part, ((most * bits) / 8) * samples + MARGIN);
    }
  }
}

function requireLength(part: Buffer, most: number): void {
  try {
    inflateSync(part, { maxOutputLength: Math.ceil(Math.min(most, 2 ** 31)) });
  } catch (error) {
    // What is wrong with the stream otherwise is the library's to find.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw corrupt('a part of it is larger than the image');
  }
}

function tag(page: IFD | undefined, number: number): number | undefined {
  const values = page?.[`t${number}`];
  return Array.isArray(values) || ArrayBuffer.isView(values) ? Number((values as number[])[0]) : undefined;
}
