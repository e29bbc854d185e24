/** Undoes a wrong decoding where the text looks like one: `ftfy.fix_encoding` of ftfy 6.3.1 with its defaults. */
import { CODE_PAGES, type CodePage } from './code-pages';
import { looksMisread, UTF8_RUN } from './mojibake';
import { decodeUtf8, decodeUtf8Variants } from './utf8-variants';

/** Repairs until nothing more is found. */
export function fixEncoding(text: string): string {
  let fixed = text;
  for (;;) {
    const previous = fixed;
    fixed = fixOnce(previous);
    if (fixed === previous) return fixed;
  }
}

const ASCII = /^[\x00-\x7f]*$/;

function fixOnce(text: string): string {
  if (ASCII.test(text) || !looksMisread(text)) return text;

  let isLatin1 = false;
  for (const codec of codecs()) {
    const bytes = codec.encode(text);
    if (bytes === undefined) continue;
    if (codec.name === 'latin-1') isLatin1 = true;
    const fixed = decodeBytes(restoreBytes(bytes, codec));
    if (fixed !== undefined) return fixed;
  }

  const parts = fixRuns(text);
  if (parts !== text) return parts;

  if (isLatin1) {
    const fixed = latin1AsWindows1252(text, (byte) => UNASSIGNED_IN_1252.has(byte));
    if (fixed !== undefined && fixed !== text) return fixed;
  }
  return fixC1Controls(text);
}

/** Mojibake inside of a text that is otherwise sound. */
function fixRuns(text: string): string {
  return text.replace(UTF8_RUN, (run) => (run.length < text.length && looksMisread(run) ? fixEncoding(run) : run));
}

const UNASSIGNED_IN_1252 = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** Undefined where a character is one of those that the caller refuses. */
function latin1AsWindows1252(text: string, refuse: (byte: number) => boolean): string | undefined {
  const upper = windows1252().upper;
  let fixed = '';
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (refuse(code)) return undefined;
    fixed += code < 0x80 ? character : upper[code - 0x80];
  }
  return fixed;
}

/** C1 control characters as the Windows-1252 characters of the same number. */
export function fixC1Controls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (character) => windows1252().upper[character.charCodeAt(0) - 0x80] as string);
}

function windows1252(): CodePage {
  return CODE_PAGES.find((page) => page.name === 'windows-1252') as CodePage;
}

interface Codec {
  name: string;
  sloppy: boolean;
  /** Bytes as a string of U+0000–U+00FF, or undefined where a character is not in the code page. */
  encode(text: string): string | undefined;
}

let loaded: Codec[] | undefined;

function codecs(): Codec[] {
  loaded ??= CODE_PAGES.map(createCodec);
  return loaded;
}

function createCodec({ name, sloppy, upper }: CodePage): Codec {
  const bytes = new Map<string, string>();
  for (let code = 0; code < 0x80; code++) bytes.set(String.fromCharCode(code), String.fromCharCode(code));
  if (sloppy) {
    bytes.delete('\x1a');
    bytes.set('\ufffd', '\x1a');
  }
  for (const [index, character] of [...upper].entries()) bytes.set(character, String.fromCharCode(0x80 + index));
  return {
    name,
    sloppy,
    encode(text) {
      let encoded = '';
      for (const character of text) {
        const byte = bytes.get(character);
        if (byte === undefined) return undefined;
        encoded += byte;
      }
      return encoded;
    },
  };
}

// UTF-8 sequences in which a byte A0 became a space; only lead bytes that make likely characters with A0.
const ALTERED =
  /[\xc2\xc3\xc5\xce\xd0\xd9] |[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]|[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] |\xf0 [\x80-\xbf]{2}|\xf0[\x80-\xbf] [\x80-\xbf]|\xf0[\x80-\xbf]{2} /g;

// "à" as a word of its own keeps the space behind it, but for Portuguese "às", "àquele", "àquela", "àquilo".
const A_GRAVE_WORD = /\xc3 (?! |quele|quela|quilo|s )/g;

// UTF-8 and CESU-8 sequences in which continuation bytes were lost: 1A stands for U+FFFD, once a sequence also "?".
const LOSSY = new RegExp(
  [
    '[\xc2-\xdf]\x1a',
    '[\xc2\xc3]\\?',
    '\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]',
    '\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]',
    '[\xe0-\xef][\x1a?][\x1a\x80-\xbf]',
    '[\xe0-\xef][\x1a\x80-\xbf][\x1a?]',
    '[\xf0-\xf4][\x1a?][\x1a\x80-\xbf]{2}',
    '[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]',
    '[\xf0-\xf4][\x1a\x80-\xbf]{2}[\x1a?]',
    '\x1a',
  ].join('|'),
  'g',
);

function restoreBytes(bytes: string, { name, sloppy }: Codec): string {
  let restored = bytes;
  // In MacRoman the pattern would take an en dash and a space.
  if (name !== 'macroman' && restored.search(ALTERED) >= 0) {
    restored = restored.replace(A_GRAVE_WORD, '\xc3\xa0 ').replace(ALTERED, (match) => match.replaceAll(' ', '\xa0'));
  }
  return sloppy ? restored.replace(LOSSY, '\xef\xbf\xbd') : restored;
}

function decodeBytes(bytes: string): string | undefined {
  const array = Buffer.from(bytes, 'latin1');
  return /[\xc0\xed]/.test(bytes) ? decodeUtf8Variants(array) : decodeUtf8(array);
}
