/**
 * Strict UTF-8, and its two misspellings that occur in the wild: CESU-8 (surrogate pairs as two three-byte sequences) and
 * Java's U+0000 as C0 80. Behaviour follows ftfy 6.3.1's codec `utf-8-variants`, its treatment of a final line feed included.
 */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text, or undefined where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The same for UTF-8 with the two misspellings. */
export function decodeUtf8Variants(bytes: Uint8Array): string | undefined {
  let text = '';
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const special = specialSequence(bytes, at);
    if (special === undefined) {
      at++;
      continue;
    }
    const before = decodeUtf8(bytes.subarray(start, at));
    if (before === undefined) return undefined;
    text += before + special.text;
    at += special.length;
    start = at;
  }
  const rest = decodeUtf8(bytes.subarray(start));
  return rest === undefined ? undefined : text + rest;
}

function specialSequence(bytes: Uint8Array, at: number): { text: string; length: number } | undefined {
  const endsWithLineFeed = (index: number) => index === bytes.length - 1 && bytes[index] === 0x0a;
  const isContinuation = (index: number, low = 0x80, high = 0xbf) => {
    const byte = bytes[index] ?? 0;
    return byte >= low && byte <= high;
  };
  if (bytes[at] === 0xc0 && (bytes[at + 1] === 0x80 || endsWithLineFeed(at + 1))) return { text: '\0', length: 2 };
  if (
    bytes[at] === 0xed &&
    isContinuation(at + 1, 0xa0, 0xaf) &&
    isContinuation(at + 2) &&
    bytes[at + 3] === 0xed &&
    isContinuation(at + 4, 0xb0, 0xbf) &&
    (isContinuation(at + 5) || endsWithLineFeed(at + 5))
  ) {
    const [, b1 = 0, b2 = 0, , b4 = 0, b5 = 0] = bytes.subarray(at, at + 6);
    const code = 0x10000 + ((b1 & 0x0f) << 16) + ((b2 & 0x3f) << 10) + ((b4 & 0x0f) << 6) + (b5 & 0x3f);
    return { text: String.fromCodePoint(code), length: 6 };
  }
  return undefined;
}
