/** How a file's bytes spell text, and what those look like that spell none. */

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** The bytes that a file begins with to say how it is encoded, in hexadecimal digits; not text. */
const MARKS: readonly [mark: string, encoding: Encoding][] = [
  ['efbbbf', 'utf-8'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
  ['', 'utf-8'],
];

/** By the file's first three bytes; `start`: where the text begins. */
export function detectEncoding(bytes: Buffer): { encoding: Encoding; start: number } {
  const beginning = bytes.toString('hex', 0, 3);
  const [mark, encoding] = MARKS.find(([mark]) => beginning.startsWith(mark)) as (typeof MARKS)[number];
  return { encoding, start: mark.length / 2 };
}

/**
 * The text of bytes that begin where a character does. A character that is cut off at their end is left out, unless they are the
 * last. Undefined where they are no text.
 */
export function decodeText(bytes: Buffer, encoding: Encoding, isLast: boolean): string | undefined {
  try {
    const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: !isLast });
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Bytes that the text takes. */
export function encodedLength(text: string, encoding: Encoding): number {
  return encoding === 'utf-8' ? Buffer.byteLength(text) : 2 * text.length;
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

/** What a piece looks like that begins `start` bytes into its file and is no text. */
export function looksLike(bytes: Buffer, start: number, encoding: Encoding): string {
  const beginning = bytes.toString('latin1', 0, 16);
  const known = start === 0 && SIGNATURES.find(([, signature]) => beginning.startsWith(signature));
  if (known) return `it looks like ${known[0]}`;
  // UTF-32's mark is UTF-16's and two zeros.
  if (encoding !== 'utf-8' && start === 2 && bytes[0] === 0 && bytes[1] === 0) return 'it looks like UTF-32';
  // The longest beginning that is sound, by halves. The character after it is not.
  let [sound, wrong] = [0, bytes.length + 1];
  while (wrong - sound > 1) {
    const middle = (sound + wrong) >> 1;
    if (decodeText(bytes.subarray(0, middle), encoding, false) === undefined) wrong = middle;
    else sound = middle;
  }
  const fault = encodedLength(decodeText(bytes.subarray(0, sound), encoding, false) as string, encoding);
  const at = `at byte ${start + fault}`;
  if (encoding !== 'utf-8') return `its UTF-16 is broken ${at}`;
  const zeros = bytes.filter((byte) => byte === 0).length;
  if (zeros > bytes.length / 4 && zeros < bytes.length)
    return `a zero byte ${at}; it looks like UTF-${zeros > bytes.length * 0.6 ? 32 : 16} without a byte order mark`;
  if (bytes[fault] === 0) return `a zero byte ${at}; it looks like binary data`;
  if (sound === bytes.length) return `it breaks off in the middle of a character ${at}`;
  return `byte 0x${(bytes[fault] as number).toString(16).toUpperCase()} ${at}; it looks like ${codePage(bytes)}`;
}

function codePage(bytes: Buffer): string {
  // Text has tabs, line feeds, form feeds and carriage returns.
  if (bytes.some((byte) => byte < 9 || (byte > 13 && byte < 32))) return 'binary data';
  if (bytes.filter((byte) => byte > 0x7f).length > bytes.length / 4) return 'another code page, such as GBK, Shift JIS or Windows-1251';
  return bytes.some((byte) => byte > 0x7f && byte < 0xa0) ? 'Windows-1252' : 'Latin-1 (ISO 8859-1) or Windows-1252';
}
