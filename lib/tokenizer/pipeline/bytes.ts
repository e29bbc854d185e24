/** The tokens of a text's bytes in UTF-8; undefined where a byte has none. */
export function byteTokens(bytes: Int32Array, text: string): number[] | undefined {
  const tokens = Array.from(Buffer.from(text, 'utf8'), (byte) => bytes[byte] as number);
  return tokens.includes(-1) ? undefined : tokens;
}

/** GPT-2's printable stand-ins for bytes, by byte. */
const CHARACTERS: readonly string[] = (() => {
  const isPrintable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
})();

/** The text's bytes in UTF-8, each as a character that is printed. */
export function byteLevel(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8')) encoded += CHARACTERS[byte];
  return encoded;
}

const BYTES: ReadonlyMap<string, number> = new Map(CHARACTERS.map((character, byte) => [character, byte]));

/** The bytes of which a text is the printed form; undefined where it is none. */
export function bytesOfLevel(text: string): number[] | undefined {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = BYTES.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}
