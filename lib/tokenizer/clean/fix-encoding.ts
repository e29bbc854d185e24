/** Undoes a wrong decoding where the text looks like one: `ftfy.fix_encoding` of ftfy 6.3.1 with its defaults. */
import { CODE_PAGES, type CodePage, WINDOWS_1252_C1 } from './code-pages';
import { looksMisread, UTF8_RUN } from './mojibake';
import { decodeUtf8Variants } from './utf8-variants';

/** Repairs until nothing more is found. */
export function fixEncoding(text: string): string {
  for (let previous = text; ; ) {
    const fixed = fixOnce(previous);
    if (fixed === previous) return fixed;
    previous = fixed;
  }
}

const ASCII = /^[\x00-\x7f]*$/;

function fixOnce(text: string): string {
  if (ASCII.test(text) || !looksMisread(text)) return text;

  for (const page of CODE_PAGES) {
    const bytes = encode(text, page);
    const fixed = bytes === undefined ? undefined : decodeUtf8Variants(restoreBytes(bytes, page));
    if (fixed !== undefined) return fixed;
  }

  const parts = fixRuns(text);
  return parts !== text ? parts : fixC1Controls(text);
}

/** Mojibake inside of a text that is otherwise sound. */
function fixRuns(text: string): string {
  return text.replace(UTF8_RUN, (run) => (run.length < text.length && looksMisread(run) ? fixEncoding(run) : run));
}

/** C1 control characters as the Windows-1252 characters of the same number. */
export function fixC1Controls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (character) => WINDOWS_1252_C1[character.charCodeAt(0) - 0x80] as string);
}

/** Bytes as a string of U+0000–U+00FF, or undefined where a character is not in the code page. */
function encode(text: string, { bytes }: CodePage): string | undefined {
  let encoded = '';
  for (const character of text) {
    const byte = bytes.get(character);
    if (byte === undefined) return undefined;
    encoded += byte;
  }
  return encoded;
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

function restoreBytes(bytes: string, { name, sloppy }: CodePage): string {
  let restored = bytes;
  // In MacRoman the pattern would take an en dash and a space.
  if (name !== 'macroman' && restored.search(ALTERED) >= 0) {
    restored = restored.replace(A_GRAVE_WORD, '\xc3\xa0 ').replace(ALTERED, (match) => match.replaceAll(' ', '\xa0'));
  }
  return sloppy ? restored.replace(LOSSY, '\xef\xbf\xbd') : restored;
}
