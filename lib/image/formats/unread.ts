/** What is not an image that can be read, but known by its first bytes. */

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'an empty file'],
  [/^....ftyp(?:heic|heix|hevc|hevx|heim|heis|hevm|hevs|mif1|msf1)/s, 'a HEIC image'],
  [/^....ftypcrx /s, 'a Canon raw photograph (CR3)'],
  [/^....ftyp/s, 'an MP4 or QuickTime file'],
  [/^\xff\x0a|^\0\0\0\x0cJXL /, 'a JPEG XL image'],
  [/^\0\0\0\x0cjP {2}|^\xff\x4f\xff\x51/, 'a JPEG 2000 image'],
  [/^\xff\xd8/, 'a JPEG whose first bytes are damaged'],
  [/^II\xbc/, 'a JPEG XR image'],
  [/^8BPS/, 'a Photoshop document'],
  [/^gimp xcf/, 'a GIMP document'],
  [/^\0\0\x01\0/, 'a Windows icon'],
  [/^\0\0\x02\0(?!\0\0)/, 'a Windows cursor'],
  [/^.[\0\x01][\x01-\x03\x09-\x0b].{13}[\x08\x0f\x10\x18\x20]/s, 'a TGA image'],
  [/^\x0a[\0-\x05][\0\x01][\x01\x02\x04\x08]/, 'a PCX image'],
  [/^\x01\xda[\0\x01][\x01\x02]/, 'an SGI image'],
  [/^\x01\0\0\0.{36} EMF|^\xd7\xcd\xc6\x9a/s, 'a Windows metafile'],
  [/^AT&TFORM....DJV/s, 'a DjVu document'],
  [/^.{128}DICM/s, 'a DICOM image'],
  [/^\xabKTX/, 'a KTX texture'],
  [/^BPG\xfb/, 'a BPG image'],
  [/^icns/, 'a macOS icon'],
  [/^qoif/, 'a QOI image'],
  [/^DDS /, 'a DDS texture'],
  [/^\x76\x2f\x31\x01/, 'an OpenEXR image'],
  [/^#\?(?:RADIANCE|RGBE)/, 'a Radiance HDR image'],
  [/^P[1-7]\s/, 'a PNM image'],
  [/^(?:\x8aMNG|\x8bJNG)\r\n/, 'an MNG or JNG image'],
  [/^(?:FUJIFILMCCD-RAW|IIRO|IIRS|MMOR|IIU\0)/, 'a raw photograph'],
  [/^%PDF-/, 'a PDF document'],
  [/^%!PS|^\xc5\xd0\xd3\xc6/, 'a PostScript document'],
  [/^PK\x03\x04/, 'a ZIP archive'],
  [/^\x1f\x8b/, 'a gzip archive'],
  [/^7z\xbc\xaf\x27\x1c|^Rar!\x1a\x07|^\xfd7zXZ\0|^\x28\xb5\x2f\xfd|^BZh\d/, 'a compressed archive'],
  [/^\x1a\x45\xdf\xa3/, 'a Matroska or WebM video'],
  [/^RIFF....AVI /s, 'an AVI video'],
  [/^RIFF....WAVE|^ID3|^OggS|^fLaC/s, 'a sound file'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer, not the file itself'],
  [/^data:image\//i, 'the text of a data: URL, not its bytes'],
  [/^(?:\/9j\/|iVBORw0KGgo|UklGR|R0lGOD|Qk0|SUkqA|TU0AK)[A-Za-z0-9+/=\s]*$/, 'Base64 text, not the bytes that it stands for'],
];

/** Of text, whose first letters may come after a byte order mark and white space. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)?<(?:!DOCTYPE svg|(?:svg:)?svg)[\s>]/i, 'an SVG drawing'],
  [/^SIMPLE {2}=/, 'a FITS image'],
  [/^(?:\/\* XPM \*\/|#define \S+_width )/, 'an X bitmap or pixmap'],
  [/^<(?:!doctype html|html|head|body)[\s>]/i, 'an HTML page'],
  [/^<\?xml/i, 'an XML document'],
  [/^[[{]\s*["\]{}[]/, 'JSON'],
];

/** What unreadable content looks like, for an error message. */
export function describeUnknown(bytes: Buffer): string {
  const start = bytes.toString('latin1', 0, 1024);
  const known = KINDS.find(([pattern]) => pattern.test(start));
  if (known) return known[1];
  if (/^\0+$/.test(start)) return 'nothing but zeros';
  const text = start.replace(/^\xef\xbb\xbf/, '').trimStart();
  const kind = TEXTS.find(([pattern]) => pattern.test(text));
  if (kind) return kind[1];
  if (/^\xff\xfe|^\xfe\xff/.test(start)) return 'text in UTF-16';
  return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(start) ? 'binary data of an unknown kind' : 'text';
}
