/** The first page of a TIFF by UTIF, the decoder that jimp uses. */
import { decode, decodeImage, type IFD, toRGBA8 } from 'utif2';
import { corrupt } from '../formats/format';
import { readTiffDirectory, TAG } from '../formats/tiff';
import type { DecodeRequest } from './request';
import { type DecodedPixels, inksToRgb } from './rgb';

/** Those that the library undoes; it takes the bytes of others for pixels. */
const COMPRESSIONS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946]);
const INKS = 5;

export function decodeTiff(bytes: Buffer, { width, height }: DecodeRequest): DecodedPixels {
  const directory = readTiffDirectory(bytes);
  const compression = directory.number(TAG.compression) ?? 1;
  if (!COMPRESSIONS.has(compression)) throw corrupt(`compression ${compression} can be read with sharp only`);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const page = decode(file)[0] as IFD;
  // The library allocates by these.
  if (tag(page, TAG.width) !== width || tag(page, TAG.height) !== height) throw corrupt('its directory tells its size twice');
  decodeImage(file, page);
  const isInks = tag(page, 262) === INKS && tag(page, 258) === 8 && page.data.length >= 4 * width * height;
  if (isInks) return inksToRgb(page.data, width, height);
  return { data: toRGBA8(page), width, height, channels: 4 };
}

function tag(page: IFD | undefined, number: number): number | undefined {
  const values = page?.[`t${number}`];
  return Array.isArray(values) || ArrayBuffer.isView(values) ? Number((values as number[])[0]) : undefined;
}
