import { corrupt, type ImageFormat, truncated } from './format';

export interface BmpHeader {
  width: number;
  height: number;
  isTopDown: boolean;
  bits: number;
  compression: number;
  /** Shifts and widths of red, green and blue, for 16 and 32 bits a pixel. */
  fields: readonly (readonly [shift: number, bits: number])[];
  paletteStart: number;
  paletteStride: number;
  paletteSize: number;
  pixels: number;
  /** Bytes a row, for what is not run-length encoded. */
  stride: number;
  isTruncated: boolean;
}

const RAW = 0;
export const RLE8 = 1;
export const RLE4 = 2;
const BIT_FIELDS = 3;

/** Throws a DecodeFailure where the header is cut off or of a kind that Pillow does not read either. */
export function readBmpHeader(bytes: Buffer): BmpHeader {
  if (bytes.length < 18) throw truncated('the header is incomplete');
  const size = bytes.readUInt32LE(14);
  if (![12, 40, 52, 56, 64, 108, 124].includes(size)) {
    throw corrupt(`a header of ${size} bytes is of no known kind`);
  }
  if (bytes.length < 14 + size) throw truncated('the header is incomplete');
  const isCore = size === 12;
  const isTopDown = !isCore && bytes[25] === 0xff;
  const width = isCore ? bytes.readUInt16LE(18) : bytes.readUInt32LE(18);
  const height = isCore ? bytes.readUInt16LE(20) : isTopDown ? 2 ** 32 - bytes.readUInt32LE(22) : bytes.readUInt32LE(22);
  const bits = bytes.readUInt16LE(isCore ? 24 : 28);
  const compression = isCore ? RAW : bytes.readUInt32LE(30);
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw corrupt(`${bits} bits a pixel are not supported`);
  if (compression > BIT_FIELDS) throw corrupt(`compression ${compression} is not supported`);

  const paletteStride = isCore ? 3 : 4;
  const paletteSize = (isCore ? 0 : bytes.readUInt32LE(46)) || 2 ** bits;
  const masksAfterHeader = compression === BIT_FIELDS && size === 40 ? 12 : 0;
  const paletteStart = 14 + size + masksAfterHeader;
  let pixels = bytes.readUInt32LE(10);
  if (pixels === 14 + size && bits <= 8) pixels += paletteStride * paletteSize;
  if (pixels === 0) pixels = paletteStart + (bits <= 8 ? paletteStride * paletteSize : 0);
  const stride = Math.floor((width * bits + 31) / 32) * 4;
  const isRunLength = compression === RLE8 || compression === RLE4;
  return {
    width,
    height,
    isTopDown,
    bits,
    compression,
    fields: readFields(bytes, bits, compression),
    paletteStart,
    paletteStride,
    paletteSize,
    pixels,
    stride,
    // The padding of the last row may be missing.
    isTruncated: !isRunLength && pixels + stride * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length,
  };
}

type Fields = readonly (readonly [number, number])[];
const FIELDS_555: Fields = [[10, 5], [5, 5], [0, 5]]; // biome-ignore format: a table
const FIELDS_888: Fields = [[16, 8], [8, 8], [0, 8]]; // biome-ignore format: a table

function readFields(bytes: Buffer, bits: number, compression: number): Fields {
  if (compression !== BIT_FIELDS) return bits === 16 ? FIELDS_555 : FIELDS_888;
  if (bytes.length < 66) throw truncated('the header is incomplete');
  return [54, 58, 62].map((at, index) => {
    const mask = bytes.readUInt32LE(at);
    // No masks at all mean the usual order.
    if (mask === 0) return [[16, 8, 0][index] as number, 8] as const;
    const shift = 31 - Math.clz32(mask & -mask);
    return [shift, 32 - Math.clz32(mask >>> shift)] as const;
  });
}

export const bmp: ImageFormat = {
  name: 'bmp',
  label: 'BMP',
  suffixes: ['.bmp', '.dib'],
  matches: (bytes) => bytes.toString('latin1', 0, 2) === 'BM',
  readHeader: readBmpHeader,
};
