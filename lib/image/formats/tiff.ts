import { corrupt, endsEarly, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';

/** The first directory of a TIFF. The values of a tag are read when they are asked for. */
export interface TiffDirectory {
  isBig: boolean;
  /** The file ends inside of it. */
  isCut: boolean;
  has(tag: number): boolean;
  /** A tag's one whole number; undefined where it is missing, something else or more than one. */
  number(tag: number): number | undefined;
  /** A tag's whole numbers one by one; none where it is missing. Throws where the file ends before them. */
  numbers(tag: number): Generator<number>;
  /** Tags that are there twice with different values: decoders do not agree on which one counts. */
  contradicts(tag: number): boolean;
  /** Where its first entry stands, and behind the last one the offset of the next directory. */
  start: number;
  end: number;
}

export const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  stripBytes: 279,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
} as const;

interface Entry {
  size: number;
  isSigned: boolean;
  count: number;
  start: number;
}

/** Bytes of the types that hold whole numbers; the signed ones below zero. */
const INTEGER_TYPES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 6: -1, 8: -2, 9: -4, 13: 4, 16: 8 };
const ENTRY_STEPS = 64;
const PART_STEPS = 32;
/** Tags that tell where pixels are and what they mean; the last are those of JPEG. */
const PIXEL_TAGS: ReadonlySet<number> = new Set([
  ...[254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 332, 334, 338, 339, 340, 341],
  ...[347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532],
]);
/** The entry of a tag that no decoder knows: 65,000, one byte. */
const UNKNOWN_BYTE = [65_000, 1, 1] as const;

interface Layout {
  isLittle: boolean;
  read(at: number, size: number): number;
  /** BigTIFF: counts and offsets of eight bytes. */
  isBig: boolean;
  /** Bytes of a count or an offset. */
  word: number;
  entryBytes: number;
}

function layoutOf(bytes: Buffer): Layout {
  const isLittle = bytes[0] === 0x49;
  const read = (at: number, size: number) => {
    if (size === 8) return Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    return isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  };
  const isBig = read(2, 2) === 43;
  const word = isBig ? 8 : 4;
  return { isLittle, read, isBig, word, entryBytes: 4 + 2 * word };
}

/** Throws a DecodeFailure where there is no directory. */
export function readTiffDirectory(bytes: Buffer): TiffDirectory {
  if (bytes.length < 16) throw truncated('the header is incomplete');
  const { read, isBig, word, entryBytes } = layoutOf(bytes);
  const directory = read(word, word);
  const start = directory + (isBig ? 8 : 2);
  if (start > bytes.length) throw truncated('the file ends before its directory');

  const entries = new Map<number, Entry>();
  const contradictions = new Set<number>();
  let isCut = false;
  const limit = new WorkLimit();
  const end = start + entryBytes * read(directory, start - directory);
  for (let at = start; at < end; at += entryBytes) {
    if (at + entryBytes > bytes.length) {
      isCut = true;
      break;
    }
    limit.spend(ENTRY_STEPS);
    const type = INTEGER_TYPES[read(at + 2, 2)];
    if (!type) continue;
    const size = Math.abs(type);
    const entry = { size, isSigned: type < 0, count: read(at + 4, word), start: at + 4 + word };
    if (size * entry.count > word) entry.start = read(at + 4 + word, word);
    const tag = read(at, 2);
    const other = entries.get(tag);
    if (other && !sameValue(read, other, entry)) contradictions.add(tag);
    else entries.set(tag, entry);
  }

  const value = ({ start, size, isSigned }: Entry, index: number) => {
    const unsigned = read(start + index * size, size);
    return isSigned && unsigned >= 2 ** (8 * size - 1) ? unsigned - 2 ** (8 * size) : unsigned;
  };
  return {
    isBig,
    isCut,
    start,
    end,
    has: (tag) => entries.has(tag),
    number: (tag) => {
      const entry = entries.get(tag);
      return entry?.count === 1 ? value(entry, 0) : undefined;
    },
    *numbers(tag) {
      const entry = entries.get(tag);
      if (entry && entry.start + entry.size * entry.count > bytes.length) throw truncated('the file ends inside of its directory');
      for (let index = 0; index < (entry?.count ?? 0); index++) yield value(entry as Entry, index);
    },
    contradicts: (tag) => contradictions.has(tag),
  };
}

/** Compares entries that have one value, as a width or a height has. Entries of several values count as different. */
function sameValue(read: (at: number, size: number) => number, a: Entry, b: Entry): boolean {
  return a.count === 1 && b.count === 1 && read(a.start, a.size) === read(b.start, b.size);
}

/** Tag 274 of the TIFF that an EXIF block is; undefined where the block does not make sense. */
export function readExifOrientation(block: Buffer): number | undefined {
  const tiffBytes = block.toString('latin1', 0, 6) === 'Exif\0\0' ? block.subarray(6) : block;
  if (!matches(tiffBytes)) return undefined;
  try {
    return readTiffDirectory(tiffBytes).number(TAG.orientation);
  } catch {
    return undefined;
  }
}

function matches(bytes: Buffer): boolean {
  return /^(?:II[*+]\0|MM\0[*+])/.test(bytes.toString('latin1', 0, 4));
}

function readHeader(bytes: Buffer): ImageHeader {
  const directory = readTiffDirectory(bytes);
  const [width, height] = [TAG.width, TAG.height].map((tag) => {
    if (directory.contradicts(tag)) throw corrupt('its directory tells its size twice');
    return directory.number(tag);
  });
  if (width === undefined || height === undefined) {
    throw directory.isCut ? truncated('the file ends inside of its directory') : corrupt('the directory tells no size');
  }
  return {
    width,
    height,
    orientation: directory.number(TAG.orientation),
    isTruncated: (mostSteps = Number.POSITIVE_INFINITY) =>
      directory.isCut || endsEarly(() => walkPixels(bytes, directory, new WorkLimit(mostSteps))),
  };
}

/** Throws where a strip or a tile lies beyond the end of the file. */
function walkPixels(bytes: Buffer, directory: TiffDirectory, limit: WorkLimit): void {
  const isTiled = !directory.has(TAG.stripOffsets);
  const lengths = directory.numbers(isTiled ? TAG.tileBytes : TAG.stripBytes);
  for (const offset of directory.numbers(isTiled ? TAG.tileOffsets : TAG.stripOffsets)) {
    limit.spend(PART_STEPS);
    if (offset + Number(lengths.next().value ?? 0) > bytes.length) throw truncated('the file ends inside of its pixels');
  }
}

/**
 * Changes the file's bytes so that decoders look at nothing but the pixels of its first page: where a further page or a tag that the
 * pixels don't need is damaged, libtiff gives up, and UTIF does not come to an end. Pillow passes over both.
 */
function keepFirstPage(bytes: Buffer): void {
  const { start, end } = readTiffDirectory(bytes);
  const { isLittle, read, word, entryBytes } = layoutOf(bytes);
  const write = (at: number, value: number, size: number) =>
    isLittle ? bytes.writeUIntLE(value, at, size) : bytes.writeUIntBE(value, at, size);
  for (let at = start; at < end && at + entryBytes <= bytes.length; at += entryBytes) {
    if (PIXEL_TAGS.has(read(at, 2))) continue;
    const [tag, type, count] = UNKNOWN_BYTE;
    write(at, tag, 2);
    write(at + 2, type, 2);
    bytes.fill(0, at + 4, at + 4 + word);
    write(at + (isLittle ? 4 : word), count, 4);
  }
  if (end + word <= bytes.length) bytes.fill(0, end, end + word);
}

/** Bytes of one value by type, of TIFF 6.0 and BigTIFF. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

/** Throws where a tag of the first directory has values beyond the end of the file: a decoder may allocate them all. */
export function requireValues(bytes: Buffer): void {
  const { start, end } = readTiffDirectory(bytes);
  const { read, word, entryBytes } = layoutOf(bytes);
  for (let at = start; at < end && at + entryBytes <= bytes.length; at += entryBytes) {
    const length = (TYPE_BYTES[read(at + 2, 2)] || 8) * read(at + 4, word);
    if (length > word && read(at + 4 + word, word) + length > bytes.length) throw truncated('the file ends inside of its directory');
  }
}

export const tiff: ImageFormat = {
  name: 'tiff',
  label: 'TIFF',
  suffixes: ['.tif', '.tiff'],
  matches,
  readHeader,
  prepare: keepFirstPage,
};
