/** AVIF: the boxes of ISO/IEC 14496-12 and 23008-12 around an AV1 picture. */
import { corrupt, endsEarly, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';

interface Box {
  type: string;
  /** Where its content starts and ends, as far as what holds it goes. */
  start: number;
  end: number;
  isCut: boolean;
}

const BOX_STEPS = 32;

/** The boxes between two places, one after the other; those inside of them are left to the caller. */
function* boxes(bytes: Buffer, from: number, to: number, limit: WorkLimit): Generator<Box> {
  for (let at = from; at + 8 <= to; ) {
    limit.spend(BOX_STEPS);
    let length = bytes.readUInt32BE(at);
    let start = at + 8;
    if (length === 1) {
      if (at + 16 > to) return;
      length = Number(bytes.readBigUInt64BE(at + 8));
      start = at + 16;
    } else if (length === 0) {
      length = to - at;
    }
    if (at + length < start) throw corrupt('a box is shorter than its own header');
    yield { type: bytes.toString('latin1', at + 4, at + 8), start, end: Math.min(at + length, to), isCut: at + length > to };
    at += length;
  }
}

/** The brands that a file says it can be read as, its main one first. */
function brands(bytes: Buffer): string[] {
  if (bytes.length < 12 || bytes.toString('latin1', 4, 8) !== 'ftyp') return [];
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 256);
  const found = [bytes.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) found.push(bytes.toString('latin1', at, at + 4));
  return found;
}

function matches(bytes: Buffer): boolean {
  const [main, ...others] = brands(bytes);
  if (main === 'avif' || main === 'avis') return true;
  return (main === 'mif1' || main === 'msf1') && (others.includes('avif') || others.includes('avis'));
}

interface Meta {
  /** The properties of all items, in file order. */
  properties: Box[];
  /** Those of the item that a viewer shows, and where in the file it is told that they are its own. */
  own: { property: Box; at: number; size: number }[];
}

function readMeta(bytes: Buffer): Meta {
  const limit = new WorkLimit();
  let isFileCut = false;
  for (const { type, start, end, isCut } of boxes(bytes, 0, bytes.length, limit)) {
    isFileCut = isCut;
    if (type === 'meta' && !isCut) return readItems(bytes, start, end, limit);
  }
  throw isFileCut ? truncated('the file ends before its size') : corrupt('it has no description of a still image');
}

function readItems(bytes: Buffer, from: number, to: number, limit: WorkLimit): Meta {
  const meta: Meta = { properties: [], own: [] };
  const associations: Box[] = [];
  let primary: number | undefined;
  // A version and flags come before the boxes.
  for (const { type, start, end } of boxes(bytes, from + 4, to, limit)) {
    if (type === 'pitm' && end - start >= 6) {
      if (primary !== undefined) throw corrupt('it shows two images');
      primary = bytes[start] === 0 ? bytes.readUInt16BE(start + 4) : bytes.readUIntBE(start + 4, end - start >= 8 ? 4 : 2);
    }
    if (type !== 'iprp') continue;
    for (const inner of boxes(bytes, start, end, limit)) {
      if (inner.type === 'ipma') associations.push(inner);
      if (inner.type !== 'ipco') continue;
      for (const property of boxes(bytes, inner.start, inner.end, limit)) meta.properties.push(property);
    }
  }
  for (const box of associations) readAssociations(bytes, box, primary, meta, limit);
  return meta;
}

/** Adds what an `ipma` box says of the primary item. */
function readAssociations(bytes: Buffer, { start, end }: Box, primary: number | undefined, meta: Meta, limit: WorkLimit): void {
  let at = start;
  const next = (size: number) => {
    limit.spend(8);
    if (at + size > end) throw corrupt('its description ends too early');
    at += size;
    return bytes.readUIntBE(at - size, size);
  };
  const version = next(1);
  const size = (next(3) & 1) === 1 ? 2 : 1;
  for (let items = next(4); items > 0; items--) {
    const isWanted = next(version < 1 ? 2 : 4) === primary;
    for (let properties = next(1); properties > 0; properties--) {
      // The highest bit says that a reader must know the property.
      const number = next(size) & (size === 2 ? 0x7fff : 0x7f);
      const property = meta.properties[number - 1];
      if (isWanted && property) meta.own.push({ property, at: at - size, size });
    }
  }
}

function readHeader(bytes: Buffer): ImageHeader {
  let size: { width: number; height: number } | undefined;
  let [turns, mirror] = [0, -1];
  for (const { property } of readMeta(bytes).own) {
    const { type, start, end } = property;
    if (type === 'irot' && end > start) turns = (bytes[start] as number) & 3;
    if (type === 'imir' && end > start) mirror = (bytes[start] as number) & 1;
    if (type !== 'ispe') continue;
    if (end - start < 12) throw corrupt('its size is cut off');
    if (size) throw corrupt('it tells its size twice');
    size = { width: bytes.readUInt32BE(start + 4), height: bytes.readUInt32BE(start + 8) };
  }
  if (!size) throw corrupt('it tells no size');
  return {
    ...size,
    orientation: ORIENTATIONS[mirror + 1]?.[turns],
    isTruncated: () => endsEarly(() => requireBoxes(bytes)),
  };
}

/** TIFF's numbers for quarter turns anticlockwise, alone and then mirrored top to bottom or left to right. */
const ORIENTATIONS = [
  [1, 8, 3, 6],
  [4, 5, 2, 7],
  [2, 7, 4, 5],
] as const;

/** What a viewer does with the decoded image; libheif does it too, Pillow does not. */
const TRANSFORMS = new Set(['irot', 'imir', 'clap']);

function prepare(bytes: Buffer): void {
  // An animation has a still in front, but libvips goes by the main brand alone.
  bytes.write('avif', 8, 'latin1');
  for (const { property, at, size } of readMeta(bytes).own) {
    // The number of no property.
    if (TRANSFORMS.has(property.type)) bytes.fill(0, at, at + size);
  }
}

function requireBoxes(bytes: Buffer): void {
  for (const { isCut } of boxes(bytes, 0, bytes.length, new WorkLimit())) if (isCut) throw truncated('the file ends inside of a box');
}

export const avif: ImageFormat = {
  name: 'avif',
  label: 'AVIF',
  suffixes: ['.avif'],
  matches,
  readHeader,
  prepare,
};
