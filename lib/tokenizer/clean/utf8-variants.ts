/**
 * Strict UTF-8, and its two misspellings that occur in the wild: CESU-8 (surrogate pairs as two three-byte sequences) and
 * Java's U+0000 as C0 80. Behaviour follows ftfy 6.3.1's codec `utf-8-variants`, its treatment of a final line feed included.
 */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const JAVA_ZERO = /\xc0(?:\x80|\n$)/g;
const CESU8_PAIR = /\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf](?:[\x80-\xbf]|\n$)/g;

/** The text of bytes, which come as a string of U+0000–U+00FF, or undefined where they are not UTF-8. */
export function decodeUtf8Variants(bytes: string): string | undefined {
  try {
    return UTF8.decode(Buffer.from(bytes.replace(JAVA_ZERO, '\0').replace(CESU8_PAIR, respelled), 'latin1'));
  } catch {
    return undefined;
  }
}

/** A surrogate pair as the four bytes that strict UTF-8 has for it. */
function respelled(pair: string): string {
  const [, b1 = 0, b2 = 0, , b4 = 0, b5 = 0] = Buffer.from(pair, 'latin1');
  const code = 0x10000 + ((b1 & 0x0f) << 16) + ((b2 & 0x3f) << 10) + ((b4 & 0x0f) << 6) + (b5 & 0x3f);
  return Buffer.from(String.fromCodePoint(code)).toString('latin1');
}
