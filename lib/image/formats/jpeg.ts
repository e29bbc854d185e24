import { corrupt, type ImageFormat, type ImageHeader, truncated, WorkLimit } from './format';
import { readExifOrientation } from './tiff';

export interface JpegSegment {
  marker: number;
  /** Where its marker starts, where its content starts behind marker and length, and where it ends. */
  start: number;
  body: number;
  end: number;
}

const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const START_OF_SCAN = 0xda;
const PROGRESSIVE = 0xc2;
const EXIF = 0xe1;
const EXIF_SIGNATURE = 'Exif\0\0';

/**
 * The segments from the start of the file to its first scan, that one included, as libjpeg and Pillow find them: stray bytes,
 * stuffed zeros and fill bytes before a marker are passed over. Ends early where the file does.
 */
export function* jpegSegments(bytes: Buffer): Generator<JpegSegment> {
  const limit = new WorkLimit();
  for (let at = 2; at < bytes.length; ) {
    limit.spend(4);
    for (; at < bytes.length && bytes[at] !== 0xff; at++) limit.spend(1);
    for (; bytes[at] === 0xff; at++) limit.spend(1);
    const marker = bytes[at++];
    if (marker === undefined) return;
    if (marker === 0) continue;
    if (marker === START_OF_IMAGE || marker === END_OF_IMAGE) throw corrupt('another image starts or ends before its first scan');
    const start = at - 2;
    if (isBare(marker)) {
      yield { marker, start, body: at, end: at };
      continue;
    }
    if (at + 2 > bytes.length) return;
    const length = bytes.readUInt16BE(at);
    if (length < 2) throw corrupt('a segment is shorter than its own length');
    if (at + length > bytes.length) return;
    yield { marker, start, body: at + 2, end: at + length };
    at += length;
    if (marker === START_OF_SCAN) return;
  }
}

/** Markers without a length: restarts, and one for arithmetic coders' own use. */
function isBare(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** Starts of frames; between them lie a table's marker, a reserved one and another table's. */
export function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readHeader(bytes: Buffer): ImageHeader {
  let size: { width: number; height: number } | undefined;
  let orientation: number | undefined;
  let hasExif = false;
  for (const { marker, body, end } of jpegSegments(bytes)) {
    if (isFrame(marker)) {
      // Decoders do not agree on which one counts.
      if (size) throw corrupt('it has two frame headers');
      if (end - body < 5) throw corrupt('its frame header is too short');
      size = { height: bytes.readUInt16BE(body + 1), width: bytes.readUInt16BE(body + 3) };
    } else if (marker === EXIF && !hasExif && bytes.toString('latin1', body, body + 6) === EXIF_SIGNATURE) {
      hasExif = true;
      orientation = readExifOrientation(bytes.subarray(body + 6, end));
    } else if (marker === START_OF_SCAN) {
      if (!size) throw corrupt('its first scan comes before its size');
      return {
        ...size,
        orientation,
        // Thumbnails, which have end markers of their own, lie before the scan.
        isTruncated: () => !hasEndMarker(bytes, end),
      };
    }
  }
  throw truncated('the file ends before its first scan');
}

/** A progressive image has about ten. Each one is a walk over the whole image, in a decoder that cannot be stopped. */
const MOST_SCANS = 100;

function requireFewScans(bytes: Buffer): void {
  let components = 0;
  let first: JpegSegment | undefined;
  for (const segment of jpegSegments(bytes)) {
    if (isFrame(segment.marker))
      components = segment.marker === PROGRESSIVE ? Number.POSITIVE_INFINITY : (bytes[segment.body + 5] as number);
    first = segment;
  }
  // One scan of all components is the only one.
  if (!first || (bytes[first.body] as number) === components) return;
  let scans = 0;
  for (let at = first.start; at >= 0 && at + 4 <= bytes.length; ) {
    const marker = bytes[at + 1] as number;
    if (marker === END_OF_IMAGE) return;
    if (marker === START_OF_SCAN && ++scans > MOST_SCANS) throw corrupt(`it has more than ${MOST_SCANS} scans`);
    if (marker === 0xff) at += 1;
    else at = nextMarker(bytes, at + (isBare(marker) ? 2 : 2 + bytes.readUInt16BE(at + 2)));
  }
}

/** What comes after 255 in pixels is 0. A search for each 255 would take minutes where a file is made of them. */
function nextMarker(bytes: Buffer, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) if (bytes[at] === 0xff && bytes[at + 1] !== 0) return at;
  return -1;
}

function hasEndMarker(bytes: Buffer, from: number): boolean {
  // Backwards, for it is most often the last.
  for (let at = bytes.length - 1; at > from; at--) {
    if (bytes[at] === END_OF_IMAGE && bytes[at - 1] === 0xff) return true;
  }
  return false;
}

export const jpeg: ImageFormat = {
  name: 'jpeg',
  label: 'JPEG',
  suffixes: ['.jpg', '.jpeg', '.jpe', '.jfif', '.mpo'],
  matches: (bytes) => bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xffd8ff,
  readHeader,
  prepare: requireFewScans,
};
