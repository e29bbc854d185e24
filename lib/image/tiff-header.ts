/** The first directory of a TIFF: its size, and whether the pixels that it points to are there. */
import { DecodeFailure } from './failure';

export interface TiffHeader {
  width: number;
  height: number;
  /** A strip, a tile or a part of the directory lies beyond the end of the file. */
  isTruncated: boolean;
  /** Tag 274: how the image lies in the file; undefined where it does not tell. */
  orientation: number | undefined;
  /** Where the directory starts, and its tags with their values as far as those are numbers. */
  tags: ReadonlyMap<number, readonly number[]>;
}

const TAG = { width: 256, height: 257, orientation: 274, stripOffsets: 273, stripBytes: 279, tileOffsets: 324, tileBytes: 325 };
const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4 };

/** Throws a DecodeFailure where there is no directory. */
export function readTiffHeader(bytes: Buffer): TiffHeader {
  if (bytes.length < 8) throw new DecodeFailure('truncated', 'the header is incomplete');
  const little = bytes[0] === 0x49;
  const read = (at: number, size: number) => (little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size));
  const directory = read(4, 4);
  if (directory + 2 > bytes.length) throw new DecodeFailure('truncated', 'the file ends before its directory');

  const tags = new Map<number, number[]>();
  let isDirectoryCut = false;
  const count = read(directory, 2);
  for (let index = 0; index < count; index++) {
    const entry = directory + 2 + 12 * index;
    if (entry + 12 > bytes.length) {
      isDirectoryCut = true;
      break;
    }
    const size = TYPE_BYTES[read(entry + 2, 2)];
    const length = read(entry + 4, 4);
    if (!size) continue;
    const start = size * length <= 4 ? entry + 8 : read(entry + 8, 4);
    if (start + size * length > bytes.length) {
      isDirectoryCut = true;
      continue;
    }
    tags.set(
      read(entry, 2),
      Array.from({ length }, (_, item) => read(start + item * size, size)),
    );
  }
  const width = tags.get(TAG.width)?.[0];
  const height = tags.get(TAG.height)?.[0];
  if (width === undefined || height === undefined) {
    throw isDirectoryCut
      ? new DecodeFailure('truncated', 'the file ends inside of its directory')
      : new DecodeFailure('corrupt', 'the directory tells no size');
  }
  const offsets = tags.get(TAG.stripOffsets) ?? tags.get(TAG.tileOffsets) ?? [];
  const lengths = tags.get(TAG.stripBytes) ?? tags.get(TAG.tileBytes) ?? [];
  const isTruncated = isDirectoryCut || offsets.some((offset, index) => offset + (lengths[index] ?? 0) > bytes.length);
  return { width, height, isTruncated, orientation: tags.get(TAG.orientation)?.[0], tags };
}
