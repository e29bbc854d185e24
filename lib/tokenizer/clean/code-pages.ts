/** The single-byte encodings that text is wrongly read in. */

const BYTES = Buffer.from(Array.from({ length: 0x80 }, (_, index) => 0x80 + index));
const LATIN_1 = BYTES.toString('latin1');

/** Bytes 80 to 9F in Windows-1252. The decoder of Node 20 for it is one for Latin-1. */
export const WINDOWS_1252_C1 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018' +
  '\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

/** A code page of DOS, which the decoders of Node are not made for. */
const CP437 =
  '\u00c7\u00fc\u00e9\u00e2\u00e4\u00e0\u00e5\u00e7\u00ea\u00eb\u00e8\u00ef\u00ee\u00ec\u00c4\u00c5\u00c9\u00e6' +
  '\u00c6\u00f4\u00f6\u00f2\u00fb\u00f9\u00ff\u00d6\u00dc\u00a2\u00a3\u00a5\u20a7\u0192\u00e1\u00ed\u00f3\u00fa' +
  '\u00f1\u00d1\u00aa\u00ba\u00bf\u2310\u00ac\u00bd\u00bc\u00a1\u00ab\u00bb\u2591\u2592\u2593\u2502\u2524\u2561' +
  '\u2562\u2556\u2555\u2563\u2551\u2557\u255d\u255c\u255b\u2510\u2514\u2534\u252c\u251c\u2500\u253c\u255e\u255f' +
  '\u255a\u2554\u2569\u2566\u2560\u2550\u256c\u2567\u2568\u2564\u2565\u2559\u2558\u2552\u2553\u256b\u256a\u2518' +
  '\u250c\u2588\u2584\u258c\u2590\u2580\u03b1\u00df\u0393\u03c0\u03a3\u03c3\u00b5\u03c4\u03a6\u0398\u03a9\u03b4' +
  '\u221e\u03c6\u03b5\u2229\u2261\u00b1\u2265\u2264\u2320\u2321\u00f7\u2248\u00b0\u2219\u00b7\u221a\u207f\u00b2' +
  '\u25a0\u00a0';

/** By the name that Node has for the encoding. */
function decoded(label: string): string {
  const replaced = new TextDecoder(label).decode(BYTES);
  return replaced.replace(/\ufffd/g, (_, index: number) => LATIN_1[index] as string);
}

/** Node's decoders and ftfy have the same names for these. */
const COMMON_NAMES = ['windows-1251', 'windows-1250', 'windows-1253', 'windows-1254', 'windows-1257', 'iso-8859-2'];

/** What bytes 80 to FF stand for, in the order in which ftfy tries the encodings. */
const UPPER: readonly [name: string, upper: string][] = [
  ['latin-1', LATIN_1],
  ['windows-1252', WINDOWS_1252_C1 + LATIN_1.slice(0x20)],
  ...COMMON_NAMES.map((name): [string, string] => [name, decoded(name)]),
  ['macroman', decoded('macintosh')],
  ['cp437', CP437],
];

export interface CodePage {
  name: string;
  /** Byte 1A stands for U+FFFD, as unassigned bytes stand for the code points of the same number. */
  sloppy: boolean;
  /** Bytes by their characters, each byte as U+0000–U+00FF. */
  bytes: ReadonlyMap<string, string>;
}

export const CODE_PAGES: readonly CodePage[] = UPPER.map(([name, upper]) => {
  const sloppy = name.startsWith('windows');
  const ascii = Buffer.from(Array.from({ length: 0x80 }, (_, byte) => byte)).toString('latin1');
  const characters = (sloppy ? ascii.replace('\x1a', '\ufffd') : ascii) + upper;
  return { name, sloppy, bytes: new Map([...characters].map((character, byte) => [character, String.fromCharCode(byte)])) };
});
