import { InterrogatorError } from '../errors';
import { BytePairEncoding, type BytePairModel } from './byte-pair-encoding';
import { type CleanMode, cleanText } from './clean';
import { LongTexts } from './long-texts';
import { PhraseCache } from './phrase-cache';
import { createTokenizer, readTokenizerFile, type TokenizerFile, unusable } from './tokenizer-file';

export interface ClipTokenizerOptions {
  /** File name in the folder; `tokenizer.file` of the bundle's manifest. Default `tokenizer.json`. */
  file?: string;
  /** `tokenizer.clean` of the bundle's manifest. Default `lower`. */
  clean?: CleanMode;
  /** How many texts are remembered. Default 131,072: more than the reference's whole vocabulary. */
  cacheSize?: number;
}

// Longer texts are prompts under construction, which hardly come twice.
const LONGEST_CACHED = 256;

/** Texts to token ids, as open_clip's tokenizer gives them, without start and end tokens and uncut. */
export class ClipTokenizer {
  private readonly cache: PhraseCache<Int32Array>;

  private constructor(
    private readonly splitter: (cleaned: string) => ArrayLike<number>,
    private readonly longTexts: LongTexts,
    readonly clean: CleanMode,
    cacheSize: number,
  ) {
    this.cache = new PhraseCache(cacheSize);
  }

  /** Loads a bundle's `tokenizer.json`. Rejects with `ERR_TOKENIZER` where that cannot be read or is of an unknown kind. */
  static async load(folder: string, options: ClipTokenizerOptions = {}): Promise<ClipTokenizer> {
    const { file, clean = 'lower', cacheSize = 131_072 } = options;
    if (clean !== 'lower' && clean !== 'whitespace') {
      throw new InterrogatorError('ERR_TOKENIZER', `Unknown text cleaning ${JSON.stringify(clean)} for ${folder}`, {
        hint: "The manifest's tokenizer.clean is 'lower' or 'whitespace'; update torch-interrogator for newer kinds.",
      });
    }
    const tokenizerFile = await readTokenizerFile(folder, file);
    const { json } = tokenizerFile;
    const longTexts = new LongTexts({ folder, ...(file && { file }), clean });
    if (json.model?.type === 'BPE' && json.model.end_of_word_suffix === '</w>') {
      return new ClipTokenizer(clipWords(tokenizerFile), longTexts, clean, cacheSize);
    }
    const tokenizer = createTokenizer(tokenizerFile);
    return new ClipTokenizer((cleaned) => tokenizer.encode(cleaned, { add_special_tokens: false }).ids, longTexts, clean, cacheSize);
  }

  /** The text's token ids. The array is shared with later calls: do not write to it. */
  encode(text: string): Int32Array {
    const known = this.cache.get(text);
    if (known) return known;
    const ids = Int32Array.from(this.splitter(cleanText(text, this.clean)));
    if (text.length <= LONGEST_CACHED) this.cache.set(text, ids);
    return ids;
  }

  /** As encode(), in a thread, for texts that are long. */
  encodeLong(text: string, signal?: AbortSignal): Promise<Int32Array> {
    return this.longTexts.encode(text, signal);
  }

  /** As splitsCleanly(), in a thread, for texts that are long. */
  splitsCleanlyLong(text: string, signal?: AbortSignal): Promise<boolean> {
    return this.longTexts.splitsCleanly(text, signal);
  }

  /** The text as it is just before it is cut into tokens. */
  cleaned(text: string): string {
    return cleanText(text, this.clean);
  }
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
