/** AVIF: the boxes of ISO/IEC 14496-12 and 23008-12 around an AV1 picture. */
import { corrupt, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';

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
  /** The item that a viewer shows. */
  primary: number | undefined;
  /** The properties of all items, in file order. */
  properties: Box[];
  /** The numbers of the primary item's properties, from 1 on. */
  associated: number[];
}

function readMeta(bytes: Buffer): Meta {
  const limit = new WorkLimit();
  let isFileCut = false;
  for (const meta of boxes(bytes, 0, bytes.length, limit)) {
    isFileCut = meta.isCut;
    if (meta.type !== 'meta' || isFileCut) continue;
    const found: Meta = { primary: undefined, properties: [], associated: [] };
    const associations: Box[] = [];
    // A version and flags come before the boxes.
    for (const { type, start, end } of boxes(bytes, meta.start + 4, meta.end, limit)) {
      if (type === 'pitm' && end - start >= 6)
        found.primary ??= bytes[start] === 0 ? bytes.readUInt16BE(start + 4) : bytes.readUInt32BE(start + 4);
      if (type !== 'iprp') continue;
      for (const inner of boxes(bytes, start, end, limit)) {
        if (inner.type === 'ipma') associations.push(inner);
        if (inner.type === 'ipco') for (const property of boxes(bytes, inner.start, inner.end, limit)) found.properties.push(property);
      }
    }
    for (const box of associations) readAssociations(bytes, box, found, limit);
    return found;
  }
  throw isFileCut ? truncated('the file ends before its size') : corrupt('it has no description of a still image');
}

/** Adds the properties that an `ipma` box gives to the primary item. */
function readAssociations(bytes: Buffer, { start, end }: Box, { primary, associated }: Meta, limit: WorkLimit): void {
  let at = start;
  const next = (size: number) => {
    limit.spend(8);
    if (at + size > end) throw corrupt('its description ends too early');
    at += size;
    return bytes.readUIntBE(at - size, size);
  };
  const version = next(1);
  const isWide = (next(3) & 1) === 1;
  for (let items = next(4); items > 0; items--) {
    const isWanted = next(version < 1 ? 2 : 4) === primary;
    for (let properties = next(1); properties > 0; properties--) {
      // The highest bit says that a reader must know the property.
      const number = next(isWide ? 2 : 1) & (isWide ? 0x7fff : 0x7f);
      if (isWanted) associated.push(number);
    }
  }
}

function readHeader(bytes: Buffer): ImageHeader {
  const { properties, associated } = readMeta(bytes);
  let size: { width: number; height: number } | undefined;
  for (const number of associated) {
    const box = properties[number - 1];
    if (box?.type !== 'ispe') continue;
    if (box.end - box.start < 12) throw corrupt('its size is cut off');
    if (size) throw corrupt('it tells its size twice');
    size = { width: bytes.readUInt32BE(box.start + 4), height: bytes.readUInt32BE(box.start + 8) };
  }
  if (!size) throw corrupt('it tells no size');
  return {
    ...size,
    get isTruncated() {
      return endsInsideBox(bytes);
    },
  };
}

function endsInsideBox(bytes: Buffer): boolean {
  for (const { isCut } of boxes(bytes, 0, bytes.length, new WorkLimit())) if (isCut) return true;
  return false;
}

export const avif: ImageFormat = {
  name: 'avif',
  label: 'AVIF',
  suffixes: ['.avif'],
  matches,
  readHeader,
};
