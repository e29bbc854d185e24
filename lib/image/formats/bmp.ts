import { corrupt, type ImageFormat, truncated } from './format';

export interface BmpHeader {
  width: number;
  height: number;
  isTopDown: boolean;
  bits: number;
  compression: number;
  /** Shifts and widths of red, green, blue and perhaps alpha, for 16 and 32 bits a pixel. */
  fields: readonly (readonly [shift: number, bits: number])[];
  paletteStart: number;
  paletteStride: number;
  paletteSize: number;
  pixels: number;
  /** Bytes a row, for what is not run-length encoded. */
  stride: number;
  isTruncated(): boolean;
}

const RAW = 0;
export const RLE8 = 1;
export const RLE4 = 2;
const BIT_FIELDS = 3;

const FILE_HEADER_BYTES = 14;
const CORE_SIZE = 12;
const HEADER_SIZES: ReadonlySet<number> = new Set([CORE_SIZE, 40, 52, 56, 64, 108, 124]);
const BITS: ReadonlySet<number> = new Set([1, 4, 8, 16, 24, 32]);

function hasFileHeader(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, 2) === 'BM';
}

/** With a file's header, or without one, as in memory and in some `.dib` files. */
function matches(bytes: Buffer): boolean {
  if (hasFileHeader(bytes)) return true;
  if (bytes.length < 16 || !HEADER_SIZES.has(bytes.readUInt32LE(0))) return false;
  const planes = bytes.readUInt32LE(0) === CORE_SIZE ? 8 : 12;
  return bytes.readUInt16LE(planes) === 1 && BITS.has(bytes.readUInt16LE(planes + 2));
}

/** Throws a DecodeFailure where the header is cut off or of a kind that Pillow does not read either. */
export function readBmpHeader(bytes: Buffer): BmpHeader {
  const start = hasFileHeader(bytes) ? FILE_HEADER_BYTES : 0;
  if (bytes.length < start + 4) throw truncated('the header is incomplete');
  const size = bytes.readUInt32LE(start);
  if (!HEADER_SIZES.has(size)) throw corrupt(`a header of ${size} bytes is of no known kind`);
  if (bytes.length < start + size) throw truncated('the header is incomplete');
  const isCore = size === CORE_SIZE;
  const isTopDown = !isCore && bytes[start + 11] === 0xff;
  const width = isCore ? bytes.readUInt16LE(start + 4) : bytes.readUInt32LE(start + 4);
  const rows = isCore ? bytes.readUInt16LE(start + 6) : bytes.readUInt32LE(start + 8);
  const height = isTopDown ? 2 ** 32 - rows : rows;
  const bits = bytes.readUInt16LE(start + (isCore ? 10 : 14));
  const compression = isCore ? RAW : bytes.readUInt32LE(start + 16);
  if (!BITS.has(bits)) throw corrupt(`${bits} bits a pixel are not supported`);
  if (compression > BIT_FIELDS) throw corrupt(`compression ${compression} is not supported`);

  const paletteStride = isCore ? 3 : 4;
  const paletteSize = (isCore ? 0 : bytes.readUInt32LE(start + 32)) || 2 ** bits;
  const masksAfterHeader = compression === BIT_FIELDS && size === 40 ? 12 : 0;
  const paletteStart = start + size + masksAfterHeader;
  let pixels = start > 0 ? bytes.readUInt32LE(10) : 0;
  if (pixels === start + size && bits <= 8) pixels += paletteStride * paletteSize;
  if (pixels === 0) pixels = paletteStart + (bits <= 8 ? paletteStride * paletteSize : 0);
  const stride = Math.floor((width * bits + 31) / 32) * 4;
  const isRunLength = compression === RLE8 || compression === RLE4;
  return {
    width,
    height,
    isTopDown,
    bits,
    compression,
    fields: readFields(bytes, start, size, bits, compression),
    paletteStart,
    paletteStride,
    paletteSize,
    pixels,
    stride,
    // The padding of the last row may be missing.
    isTruncated: () => !isRunLength && pixels + stride * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length,
  };
}

type Fields = readonly (readonly [number, number])[];
const FIELDS_555: Fields = [[10, 5], [5, 5], [0, 5]]; // biome-ignore format: a table
const FIELDS_888: Fields = [[16, 8], [8, 8], [0, 8]]; // biome-ignore format: a table

function readFields(bytes: Buffer, start: number, size: number, bits: number, compression: number): Fields {
  if (compression !== BIT_FIELDS) return bits === 16 ? FIELDS_555 : FIELDS_888;
  const count = size > 52 ? 4 : 3;
  if (bytes.length < start + 40 + 4 * count) throw truncated('the header is incomplete');
  const masks = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(start + 40 + 4 * index));
  // No masks at all mean the usual order, with alpha.
  const isUsual = masks.every((mask) => mask === 0);
  if (isUsual && bits === 32) masks[3] = 0;
  else if (bits < 32 || masks[3] === 0) masks.length = 3;
  return masks.map((mask, index) => {
    if (mask === 0) return [[16, 8, 0, 24][index] as number, 8] as const;
    const shift = 31 - Math.clz32(mask & -mask);
    return [shift, 32 - Math.clz32(mask >>> shift)] as const;
  });
}

export const bmp: ImageFormat = {
  name: 'bmp',
  label: 'BMP',
  suffixes: ['.bmp', '.dib'],
  matches,
  readHeader: readBmpHeader,
};
