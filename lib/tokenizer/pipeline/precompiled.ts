/** SentencePiece's own normal form, as `tokenizers` reads it: https://github.com/huggingface/spm_precompiled, where its oddities come from. */
import type { Charsmap } from './compiled';

/** Replacements of whole graphemes are looked for up to this many bytes. */
const LONGEST_GRAPHEME = 5;

/**
 * Characters that are a grapheme alone whatever is beside them, but for marks: Latin, Greek, Cyrillic, punctuation, kana, CJK, Hangul
 * syllables. A text of nothing else needs no segmenter, which takes a microsecond a character.
 */
const APART =
  /^[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u22ff\u3000-\u3029\u3041-\u3096\u309b-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff9d]*$/;

let segmenter: Intl.Segmenter | undefined;

/** A normalizer of the table's replacements. */
export function precompiled(charsmap: Charsmap): (text: string) => string {
  const known = new Map<string, string>();
  const replaced = (part: string): string => {
    let by = known.get(part);
    if (by === undefined) {
      by = replacementOf(charsmap, part) ?? part;
      if (known.size < 65_536) known.set(part, by);
    }
    return by;
  };
  const keepsAscii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).every((one) => replaced(one) === one);
  return (text) => {
    if (keepsAscii && /^[ -~]*$/.test(text)) return text;
    let normalized = '';
    if (APART.test(text)) {
      for (const character of text) normalized += replaced(character);
      return normalized;
    }
    segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
    for (const { segment } of segmenter.segment(text)) normalized += ofGrapheme(segment, replaced, charsmap);
    return normalized;
  };
}

function ofGrapheme(grapheme: string, replaced: (part: string) => string, charsmap: Charsmap): string {
  const characters = Array.from(grapheme);
  if (characters.length === 1) return replaced(grapheme);
  // The table's shortest entry that the grapheme begins with stands for all of it.
  const whole = Buffer.byteLength(grapheme) <= LONGEST_GRAPHEME ? replacementOf(charsmap, grapheme) : undefined;
  return whole ?? characters.map(replaced).join('');
}

/** What stands for the shortest entry that the text begins with. */
function replacementOf({ trie, replacements }: Charsmap, text: string): string | undefined {
  const unit = (place: number): number => trie[place] ?? 0;
  const offsetOf = (entry: number): number => (entry >>> 10) << ((entry & (1 << 9)) >>> 6);
  let place = offsetOf(unit(0));
  for (const byte of Buffer.from(text, 'utf8')) {
    if (byte === 0) return undefined;
    place ^= byte;
    const entry = unit(place);
    // Its label, and the bit that a value has.
    if ((entry & 0x8000_00ff) !== byte) return undefined;
    place ^= offsetOf(entry);
    if ((entry >>> 8) & 1) {
      const from = unit(place) & 0x7fff_ffff;
      const end = replacements.indexOf(0, from);
      return Buffer.from(replacements.subarray(from, end < 0 ? undefined : end)).toString('utf8');
    }
  }
  return undefined;
}
