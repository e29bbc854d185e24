import { BytePairEncoding, type BytePairModel } from './byte-pair-encoding';
import { type CleanMode, cleanText } from './clean';
import { LongTexts, type TokenizerSource } from './long-texts';
import { PhraseCache } from './phrase-cache';
import { createTokenizer, readTokenizerFile, type TokenizerFile, unusable } from './tokenizer-file';

/** How many texts are remembered: more than the reference's whole vocabulary. */
const CACHED_TEXTS = 131_072;
// Longer texts are prompts under construction, which hardly come twice.
const LONGEST_CACHED = 256;

/** Texts to token ids, as open_clip's tokenizer gives them, without start and end tokens and uncut. */
export class ClipTokenizer {
  private readonly cache = new PhraseCache<Int32Array>(CACHED_TEXTS);

  private constructor(
    private readonly splitter: (cleaned: string) => ArrayLike<number>,
    private readonly clean: CleanMode,
    /** For texts that are long. */
    readonly longTexts: LongTexts,
  ) {}

  /**
   * Loads a bundle's tokenizer file, as `tokenizer` of the manifest describes it. Rejects with `ERR_TOKENIZER` where that cannot be read
   * or is of an unknown kind.
   */
  static async load(folder: string, { file, clean }: Omit<TokenizerSource, 'folder'>): Promise<ClipTokenizer> {
    const tokenizerFile = await readTokenizerFile(folder, file);
    const { model } = tokenizerFile.json;
    const isClip = model?.type === 'BPE' && model.end_of_word_suffix === '</w>';
    return new ClipTokenizer(isClip ? clipWords(tokenizerFile) : library(tokenizerFile), clean, new LongTexts({ folder, file, clean }));
  }

  /** The text's token ids. The array is shared with later calls: do not write to it. */
  encode(text: string): Int32Array {
    const known = this.cache.get(text);
    if (known) return known;
    const ids = Int32Array.from(this.splitter(cleanText(text, this.clean)));
    if (text.length <= LONGEST_CACHED) this.cache.set(text, ids);
    return ids;
  }
}

function library(file: TokenizerFile): (cleaned: string) => number[] {
  const tokenizer = createTokenizer(file);
  return (cleaned) => tokenizer.encode(cleaned, { add_special_tokens: false }).ids;
}

// The reference's engine compares single characters without regard to case: ſ is an s, and U+0345, whose capital is the letter
// iota, is neither a letter nor anything else. Cleaning leaves no white space but the blank.
const CONTRACTIONS = "'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL]{2}|'[dD]";

/** Cuts a text into words with the reference's own pattern, in which special tokens come first, and each word into tokens. */
function clipWords(file: TokenizerFile): (cleaned: string) => number[] {
  const special = new Map((file.json.added_tokens ?? []).map(({ content, id }) => [content, id]));
  const names = [...special.keys()].map((name) => caseless(name));
  const pattern = new RegExp([...names, CONTRACTIONS, '\\p{L}+', '\\p{N}', '[^ \\u0345\\p{L}\\p{N}]+'].join('|'), 'gu');
  const words = new PhraseCache<number[]>(65_536);
  const encoding = orUnusable(file, () => new BytePairEncoding(file.json.model as BytePairModel));

  const encodeWord = (word: string): number[] => {
    const id = special.get(word);
    return id === undefined ? orUnusable(file, () => encoding.encode(byteLevel(word))) : [id];
  };

  return (cleaned: string): number[] => {
    const ids: number[] = [];
    for (const [word] of cleaned.matchAll(pattern)) {
      let tokens = words.get(word);
      if (!tokens) {
        tokens = encodeWord(word);
        if (word.length <= LONGEST_CACHED) words.set(word, tokens);
      }
      for (const token of tokens) ids.push(token);
    }
    return ids;
  };
}

function orUnusable<T>(file: TokenizerFile, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw unusable(file.path, cause);
  }
}

function caseless(literal: string): string {
  return literal.replace(/./gsu, (character) => {
    if (/[a-z]/i.test(character)) {
      const long = character.toLowerCase() === 's' ? 'ſ' : character.toLowerCase() === 'k' ? '\u212a' : '';
      return `[${character.toLowerCase()}${character.toUpperCase()}${long}]`;
    }
    return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
  });
}

/** GPT-2's printable stand-ins for bytes, by byte. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  const isPrintable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
})();

function byteLevel(word: string): string {
  let encoded = '';
  for (const byte of Buffer.from(word, 'utf8')) encoded += BYTE_CHARACTERS[byte];
  return encoded;
}
