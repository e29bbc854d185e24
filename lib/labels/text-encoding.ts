/** How a file's bytes spell text, and what those look like that spell none. */
import { isUtf8 } from 'node:buffer';

export interface Encoding {
  /** The bytes that the file begins with to say so; not text. */
  mark: Buffer;
  /** How many bytes at the end begin a character that is not complete. */
  unfinished(bytes: Buffer): number;
  /** Where the first byte is that is no text, in bytes that end where a character ends. */
  fault(bytes: Buffer): number | undefined;
  decode(bytes: Buffer): string;
}

const PLAIN: Encoding = {
  mark: Buffer.alloc(0),
  unfinished(bytes) {
    for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
      const byte = bytes[bytes.length - back] as number;
      // 10xxxxxx goes on with a character; the bits of its first byte say how many follow.
      if ((byte & 0xc0) === 0x80) continue;
      const length = byte >= 0xf8 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return length > back ? back : 0;
    }
    return 0;
  },
  fault(bytes) {
    const zero = bytes.indexOf(0);
    if (isUtf8(bytes)) return zero < 0 ? undefined : zero;
    // The longest beginning that is sound, by halves.
    let [sound, wrong] = [0, bytes.length];
    while (wrong - sound > 1) {
      const middle = (sound + wrong) >> 1;
      const part = bytes.subarray(0, middle);
      if (isUtf8(part.subarray(0, middle - PLAIN.unfinished(part)))) sound = middle;
      else wrong = middle;
    }
    const start = sound - PLAIN.unfinished(bytes.subarray(0, sound));
    return zero < 0 ? start : Math.min(zero, start);
  },
  decode: (bytes) => bytes.toString('utf8'),
};

const UTF8: Encoding = { ...PLAIN, mark: Buffer.from([0xef, 0xbb, 0xbf]) };

const UTF16_LE: Encoding = {
  mark: Buffer.from([0xff, 0xfe]),
  unfinished(bytes) {
    const odd = bytes.length % 2;
    const last = bytes.length - odd - 2;
    const isHighSurrogate = last >= 0 && (bytes.readUInt16LE(last) & 0xfc00) === 0xd800;
    return odd + (isHighSurrogate ? 2 : 0);
  },
  fault(bytes) {
    const unit = bytes.toString('utf16le').search(/\p{Surrogate}|\0/u);
    if (unit >= 0) return 2 * unit;
    return bytes.length % 2 === 1 ? bytes.length - 1 : undefined;
  },
  decode: (bytes) => bytes.toString('utf16le'),
};

const swapped = (bytes: Buffer): Buffer => {
  const even = bytes.length - (bytes.length % 2);
  return Buffer.concat([Buffer.from(bytes.subarray(0, even)).swap16(), bytes.subarray(even)]);
};

const UTF16_BE: Encoding = {
  mark: Buffer.from([0xfe, 0xff]),
  unfinished: (bytes) => UTF16_LE.unfinished(swapped(bytes)),
  fault: (bytes) => UTF16_LE.fault(swapped(bytes)),
  decode: (bytes) => UTF16_LE.decode(swapped(bytes)),
};

/** By the file's first bytes. */
export function detectEncoding(bytes: Buffer): Encoding {
  return [UTF8, UTF16_LE, UTF16_BE].find(({ mark }) => bytes.subarray(0, mark.length).equals(mark)) ?? PLAIN;
}

/** What files begin with that are taken for text by mistake. */
const SIGNATURES: readonly [looks: string, beginning: string][] = [
  ['a PNG image', '\x89PNG'],
  ['a JPEG image', '\xff\xd8\xff'],
  ['a GIF image', 'GIF8'],
  ['a WebP image or another RIFF file', 'RIFF'],
  ['gzip data', '\x1f\x8b'],
  ['a ZIP archive or an office document', 'PK\x03\x04'],
  ['an office document', '\xd0\xcf\x11\xe0'],
  ['bzip2 data', 'BZh'],
  ['xz data', '\xfd7zXZ'],
  ['Zstandard data', '\x28\xb5\x2f\xfd'],
  ['a PDF document', '%PDF'],
  ['a program', '\x7fELF'],
  ['an SQLite database', 'SQLite format 3'],
];

/** What a piece looks like that begins `start` bytes into its file and is no text from `fault` on. */
export function looksLike(bytes: Buffer, fault: number, start: number, encoding: Encoding): string {
  const at = `at byte ${start + fault}`;
  const beginning = bytes.toString('latin1', 0, 16);
  const known = start === 0 && SIGNATURES.find(([, signature]) => beginning.startsWith(signature));
  if (known) return `it looks like ${known[0]}`;
  if (encoding.mark.length === 2) {
    // UTF-32's mark is UTF-16's and two zeros.
    return start === 2 && bytes[0] === 0 && bytes[1] === 0 ? 'it looks like UTF-32' : `its UTF-16 is broken ${at}`;
  }
  const zeros = count(bytes, (byte) => byte === 0);
  if (zeros > bytes.length / 4 && zeros < bytes.length) return `a zero byte ${at}; it looks like UTF-16 without a byte order mark`;
  if (bytes[fault] === 0) return `a zero byte ${at}; it looks like binary data`;
  if (encoding.unfinished(bytes) === bytes.length - fault) return `it breaks off in the middle of a character ${at}`;
  return `byte 0x${(bytes[fault] as number).toString(16).toUpperCase()} ${at}; it looks like ${codePage(bytes)}`;
}

function codePage(bytes: Buffer): string {
  // Text has tabs, line feeds, form feeds and carriage returns.
  if (count(bytes, (byte) => byte < 9 || (byte > 13 && byte < 32)) > 0) return 'binary data';
  if (count(bytes, (byte) => byte > 0x7f) > bytes.length / 4) return 'another code page, such as GBK, Shift JIS or Windows-1251';
  return count(bytes, (byte) => byte > 0x7f && byte < 0xa0) > 0 ? 'Windows-1252' : 'Latin-1 (ISO 8859-1) or Windows-1252';
}

function count(bytes: Buffer, counts: (byte: number) => boolean): number {
  let found = 0;
  for (const byte of bytes) if (counts(byte)) found += 1;
  return found;
}
