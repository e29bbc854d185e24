import { corrupt, endsEarly, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';

export const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  stripRows: 278,
  stripBytes: 279,
  planes: 284,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  extraSamples: 338,
} as const;

/** A value of `TAG.photometric`, and the compressions that bring its meaning with them. */
const YCBCR = 6;
const JPEG_KINDS = [6, 7];

interface Entry {
  /** Where the entry itself stands. */
  at: number;
  tag: number;
  type: number;
  /** Bytes of one value, and the number of values. */
  size: number;
  count: number;
  /** Where its values lie: in the entry, or anywhere in the file where they are too many. */
  start: number;
}

/** Bytes of one value by type, of TIFF 6.0 and BigTIFF; 0 where the type is unknown. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
const SIGNED_TYPES: ReadonlySet<number> = new Set([6, 8, 9]);
/** The types that hold whole numbers. */
const INTEGER_TYPES: ReadonlySet<number> = new Set([1, 3, 4, 13, 16, ...SIGNED_TYPES]);
const ENTRY_STEPS = 64;
/** Tags that tell where pixels are and what they mean; the last are those of JPEG. */
const PIXEL_TAGS: ReadonlySet<number> = new Set([
  ...[254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 332, 334, 338, 339, 340, 341],
  ...[347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532],
]);

/** The first directory of a TIFF. The values of a tag are read when they are asked for. */
export class TiffDirectory {
  /** BigTIFF: counts and offsets of eight bytes. */
  readonly isBig: boolean;
  /** The file ends inside of it. */
  readonly isCut: boolean;
  private readonly isLittle: boolean;
  /** Bytes of a count or an offset. */
  private readonly word: number;
  /** Those that are there whole. */
  private readonly entries: Entry[] = [];
  /** Where the number of entries stands; after it they follow, and then the offset of the next directory. */
  private readonly start: number;

  /** Throws a DecodeFailure where there is no directory. */
  constructor(private readonly bytes: Buffer) {
    if (bytes.length < 16) throw truncated('the header is incomplete');
    this.isLittle = bytes[0] === 0x49;
    this.isBig = this.read(2, 2) === 43;
    const word = this.isBig ? 8 : 4;
    this.word = word;
    const entryBytes = 4 + 2 * word;
    const directory = this.read(word, word);
    const start = directory + (this.isBig ? 8 : 2);
    if (start > bytes.length) throw truncated('the file ends before its directory');
    this.start = directory;
    const end = start + entryBytes * this.read(directory, start - directory);
    this.isCut = end > bytes.length;
    const limit = new WorkLimit();
    for (let at = start; at < end && at + entryBytes <= bytes.length; at += entryBytes) {
      limit.spend(ENTRY_STEPS);
      const [tag, type, count] = [this.read(at, 2), this.read(at + 2, 2), this.read(at + 4, word)];
      const size = TYPE_BYTES[type] || 8;
      const inside = at + 4 + word;
      this.entries.push({ at, tag, type, size, count, start: size * count > word ? this.read(inside, word) : inside });
    }
  }

  has(tag: number): boolean {
    return this.find(tag) !== undefined;
  }

  /** A tag's whole numbers; none where it is missing or something else. */
  numbers(tag: number): Generator<number> {
    return this.values(this.find(tag));
  }

  /** A tag's one whole number; undefined where it is missing, something else or more than one. */
  number(tag: number): number | undefined {
    return this.valueOf(this.find(tag));
  }

  /** Like `number`, but throws where the tag is there twice with different values: decoders do not agree on which one counts. */
  size(tag: number): number | undefined {
    const value = this.number(tag);
    if (this.entries.some((entry) => isNumeric(entry, tag) && this.valueOf(entry) !== value))
      throw corrupt('its directory tells its size twice');
    return value;
  }

  /** Where the image's strips or tiles lie, and how long they are, one by one. Throws where the file ends before these lists. */
  *parts(isTiled: boolean): Generator<[offset: number, length: number]> {
    const lengths = this.numbers(isTiled ? TAG.tileBytes : TAG.stripBytes);
    for (const offset of this.numbers(isTiled ? TAG.tileOffsets : TAG.stripOffsets)) {
      yield [offset, Number(lengths.next().value ?? 0)];
    }
  }

  /**
   * Throws where a tag that the pixels need has values beyond the end of the file: libtiff goes on without it, others allocate them all.
   */
  requireValues(): void {
    for (const entry of this.entries) if (PIXEL_TAGS.has(entry.tag)) this.requireWhole(entry);
  }

  /**
   * Changes the file's bytes so that decoders look at nothing but the pixels of its first page: where a further page or a tag that the
   * pixels don't need is damaged, libtiff gives up, and UTIF does not come to an end. Pillow passes over both.
   */
  keepFirstPage(): void {
    const { bytes, word, start } = this;
    const kept = this.entries.filter(({ tag }) => PIXEL_TAGS.has(tag));
    const countBytes = this.isBig ? 8 : 2;
    this.write(start, kept.length, countBytes);
    let to = start + countBytes;
    for (const { at } of kept) to += bytes.copy(bytes, to, at, at + 4 + 2 * word);
    if (to + word <= bytes.length) this.write(to, 0, word);
  }

  private find(tag: number): Entry | undefined {
    return this.entries.find((entry) => isNumeric(entry, tag));
  }

  private valueOf(entry: Entry | undefined): number | undefined {
    return entry?.count === 1 ? Number(this.values(entry).next().value) : undefined;
  }

  private *values(entry: Entry | undefined): Generator<number> {
    if (!entry) return;
    this.requireWhole(entry);
    const { type, size, count, start } = entry;
    for (let at = start; at < start + size * count; at += size) {
      const unsigned = this.read(at, size);
      yield SIGNED_TYPES.has(type) && unsigned >= 2 ** (8 * size - 1) ? unsigned - 2 ** (8 * size) : unsigned;
    }
  }

  private requireWhole({ start, size, count }: Entry): void {
    if (start + size * count > this.bytes.length) throw truncated('the file ends inside of its directory');
  }

  private read(at: number, size: number): number {
    const { bytes, isLittle } = this;
    if (size === 8) return Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at));
    return isLittle ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  }

  private write(at: number, value: number, size: number): void {
    this.bytes.fill(0, at, at + size);
    if (this.isLittle) this.bytes.writeUInt16LE(value, at);
    else this.bytes.writeUInt16BE(value, at + size - 2);
  }
}

/** Whether it gives the tag's whole numbers. */
function isNumeric(entry: Entry, tag: number): boolean {
  return entry.tag === tag && INTEGER_TYPES.has(entry.type);
}

/** Tag 274 of the TIFF that an EXIF block is; undefined where the block does not make sense. */
export function readExifOrientation(block: Buffer): number | undefined {
  const tiffBytes = block.toString('latin1', 0, 6) === 'Exif\0\0' ? block.subarray(6) : block;
  if (!matches(tiffBytes)) return undefined;
  try {
    return new TiffDirectory(tiffBytes).number(TAG.orientation);
  } catch {
    return undefined;
  }
}

function matches(bytes: Buffer): boolean {
  return /^(?:II[*+]\0|MM\0[*+])/.test(bytes.toString('latin1', 0, 4));
}

function readHeader(bytes: Buffer): ImageHeader {
  const directory = new TiffDirectory(bytes);
  const [width, height] = [directory.size(TAG.width), directory.size(TAG.height)];
  if (width === undefined || height === undefined) {
    throw directory.isCut ? truncated('the file ends inside of its directory') : corrupt('the directory tells no size');
  }
  return {
    width,
    height,
    orientation: directory.number(TAG.orientation),
    // The directory may have been changed since.
    isTruncated: () => directory.isCut || endsEarly(() => walkPixels(bytes, new TiffDirectory(bytes))),
  };
}

/** Throws where a strip or a tile lies beyond the end of the file. */
function walkPixels(bytes: Buffer, directory: TiffDirectory): void {
  for (const [offset, length] of directory.parts(!directory.has(TAG.stripOffsets))) {
    if (offset + length > bytes.length) throw truncated('the file ends inside of its pixels');
  }
}

export const tiff: ImageFormat = {
  name: 'tiff',
  label: 'TIFF',
  suffixes: ['.tif', '.tiff'],
  matches,
  readHeader,
  prepare(bytes, isLenient) {
    const directory = new TiffDirectory(bytes);
    if (!isLenient) requireWhole(bytes, directory);
    // Decoders take it for RGB.
    if (directory.number(TAG.photometric) === YCBCR && !JPEG_KINDS.includes(directory.number(TAG.compression) ?? 1))
      throw corrupt('YCbCr without JPEG is not read');
    directory.keepFirstPage();
  },
};

/** libvips leaves tiles black that are not there; of strips it tells. */
function requireWhole(bytes: Buffer, directory: TiffDirectory): void {
  if (directory.isCut) throw truncated('the file ends inside of its directory');
  directory.requireValues();
  if (!directory.has(TAG.stripOffsets)) walkPixels(bytes, directory);
}
