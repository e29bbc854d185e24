import zlib from 'node:zlib';
import { corrupt, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';
import { readExifOrientation } from './tiff';

export interface PngChunk {
  type: string;
  /** Where its content starts, and the content's length. */
  start: number;
  length: number;
}

const SIGNATURE = '\x89PNG\r\n\x1a\n';
const IDAT = 0x49444154;
const PALETTE_BYTES = 3 * 256;

/** The chunks that are there whole, in file order. */
export function* pngChunks(bytes: Buffer): Generator<PngChunk> {
  const limit = new WorkLimit();
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (at + 12 + length > bytes.length) return;
    // Of pixels there may be tens of thousands of chunks.
    const isPixels = bytes.readUInt32BE(at + 4) === IDAT;
    limit.spend(isPixels ? 8 : 24);
    const type = isPixels ? 'IDAT' : bytes.toString('latin1', at + 4, at + 8);
    yield { type, start: at + 8, length };
    at += 12 + length;
  }
}

/** Texts and profiles, which mean nothing to the pixels. */
const ASIDE: ReadonlySet<string> = new Set(['tEXt', 'zTXt', 'iTXt', 'iCCP']);
/** Of no standard: decoders pass over it. */
const PRIVATE = 'tiZt';

/** libpng inflates each text, of which a few bytes may become megabytes, and cannot be stopped. */
function hideTexts(bytes: Buffer): void {
  for (const { type, start, length } of pngChunks(bytes)) {
    if (type === 'IEND') return;
    if (!ASIDE.has(type)) continue;
    const [chunk, end] = [bytes.subarray(start - 4, start + length), start + length];
    const isRight = zlib.crc32(chunk) === bytes.readUInt32BE(end);
    chunk.write(PRIVATE, 'latin1');
    // A checksum that is wrong stays so.
    if (isRight) bytes.writeUInt32BE(zlib.crc32(chunk), end);
  }
}

function readHeader(bytes: Buffer): ImageHeader {
  if (bytes.length < 24) throw truncated('the header is incomplete');
  const first = bytes.toString('latin1', 12, 16);
  if (first === 'CgBI') throw corrupt('it is in the form for iPhones alone, which no decoder here reads');
  if (first !== 'IHDR' || bytes.readUInt32BE(8) !== 13) throw corrupt('it does not start with its size');
  let exif: Buffer | undefined;
  let isTruncated = true;
  for (const { type, start, length } of pngChunks(bytes)) {
    // Decoders do not agree on which of two counts.
    if (type === 'IHDR' && start !== 16) throw corrupt('it tells its size twice');
    // Without the right colours and sizes the rest means nothing; of other chunks the content shows whether it is sound.
    const counts = type === 'IHDR' || (type === 'PLTE' && length <= PALETTE_BYTES);
    if (counts && zlib.crc32(bytes.subarray(start - 4, start + length)) !== bytes.readUInt32BE(start + length)) {
      throw corrupt(`the checksum of its ${type} chunk is wrong`);
    }
    if (type === 'eXIf') exif ??= bytes.subarray(start, start + length);
    if (type === 'IEND') {
      isTruncated = false;
      break;
    }
  }
  return {
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    isTruncated: () => isTruncated,
    orientation: exif && readExifOrientation(exif),
  };
}

export const png: ImageFormat = {
  name: 'png',
  label: 'PNG',
  suffixes: ['.png', '.apng'],
  matches: (bytes) => bytes.toString('latin1', 0, SIGNATURE.length) === SIGNATURE,
  readHeader,
  prepare: hideTexts,
};
