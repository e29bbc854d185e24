/** What a file is, by its first bytes; names and suffixes are not looked at. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'tiff';

export const FORMAT_NAMES: Readonly<Record<ImageFormat, string>> = {
  jpeg: 'JPEG',
  png: 'PNG',
  webp: 'WebP',
  gif: 'GIF',
  bmp: 'BMP',
  tiff: 'TIFF',
};

/** The format, or undefined for what we cannot read. */
export function sniffFormat(bytes: Buffer): ImageFormat | undefined {
  if (startsWith(bytes, 'ffd8ff')) return 'jpeg';
  if (startsWith(bytes, '89504e470d0a1a0a')) return 'png';
  const start = bytes.toString('latin1', 0, 12);
  if (start.startsWith('RIFF') && start.endsWith('WEBP')) return 'webp';
  if (start.startsWith('GIF87a') || start.startsWith('GIF89a')) return 'gif';
  if (start.startsWith('BM')) return 'bmp';
  if (start.startsWith('II*\0') || start.startsWith('MM\0*')) return 'tiff';
  return undefined;
}

function startsWith(bytes: Buffer, hexadecimal: string): boolean {
  return bytes.toString('hex', 0, hexadecimal.length / 2) === hexadecimal;
}

const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^....ftyp(?:avif|avis)/s, 'an AVIF image'],
  [/^....ftyp(?:heic|heix|hevc|hevx|heim|heis|mif1|msf1)/s, 'a HEIC image'],
  [/^....ftyp/s, 'an MP4 or QuickTime file'],
  [/^\xff\x0a|^\0\0\0\x0cJXL /, 'a JPEG XL image'],
  [/^\0\0\0\x0cjP {2}/, 'a JPEG 2000 image'],
  [/^%PDF-/, 'a PDF document'],
  [/^%!PS/, 'a PostScript document'],
  [/^8BPS/, 'a Photoshop document'],
  [/^PK\x03\x04/, 'a ZIP archive'],
  [/^\x1f\x8b/, 'a gzip archive'],
  [/^\0\0[\x01\x02]\0/, 'a Windows icon'],
  [/^II\+\0|^MM\0\+/, 'a BigTIFF image'],
  [/^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i, 'an SVG drawing'],
  [/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)[\s>]/i, 'an HTML page'],
  [/^(?:\xef\xbb\xbf)?\s*<\?xml/i, 'an XML document'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer, not the file itself'],
  [/^(?:\xef\xbb\xbf)?\s*[[{]\s*["\]{}[]/, 'JSON'],
];

/** What unreadable content looks like, for an error message. */
export function describeUnknown(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 1024);
  const known = OTHER_KINDS.find(([pattern]) => pattern.test(start));
  if (known) return known[1];
  return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(start) ? 'binary data of an unknown kind' : 'text';
}
