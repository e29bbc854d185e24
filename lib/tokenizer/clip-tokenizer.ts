import { BytePairEncoding, type BytePairModel } from './byte-pair-encoding';
import { type CleanMode, cleanText, splitsCleanly } from './clean';
import { compiledTokenizer } from './compile';
import { addedTokensOf } from './compile/added-tokens';
import { type Json, list } from './compile/fields';
import { pairOf, vocabularyOf } from './compile/models';
import { type CompiledSource, LongTexts, type TokenizerSource } from './long-texts';
import { PhraseCache } from './phrase-cache';
import { pipeline } from './pipeline';
import { byteLevel } from './pipeline/bytes';
import { isLargeFile, orUnusable, readTokenizerFile, type TokenizerFile } from './tokenizer-file';

/** How many texts are remembered: more than the reference's whole vocabulary. */
const CACHED_TEXTS = 131_072;
// Longer texts are prompts under construction, which hardly come twice.
const LONGEST_CACHED = 256;

/** What BLIP's tokenizer has beside BERT's own, of which the separator is stripped. They share a file. */
const OF_CAPTIONERS = new Set(['[DEC]', '[ENC]']);

/** How cleaned texts are cut. */
interface Cutter {
  cut(cleaned: string): ArrayLike<number>;
  /** Whether words, between blanks, are cut each for itself. */
  cutsWordsApart: boolean;
  /** Whether a word is cut otherwise where it follows another: it takes its blank along. */
  takesBlanks: boolean;
}

/** Texts to token ids, as open_clip's tokenizers give them, without start and end tokens and uncut. */
export class ClipTokenizer {
  private readonly cache = new PhraseCache<Int32Array>(CACHED_TEXTS);

  private constructor(
    private readonly cutter: Cutter,
    private readonly clean: CleanMode,
    /** For texts that are long. */
    readonly longTexts: LongTexts,
  ) {}

  /**
   * Loads a bundle's tokenizer, as `tokenizer` of the manifest describes it: a file of the folder, or what a repository of the hub has in
   * its folder. Rejects with `ERR_TOKENIZER` where that cannot be read or is of an unknown kind.
   */
  static async load(folder: string, { file, clean, stripSepId }: Omit<TokenizerSource, 'folder'>): Promise<ClipTokenizer> {
    if (file !== undefined && !(await isLargeFile(folder, file))) {
      const tokenizerFile = await readTokenizerFile(folder, file);
      const { model } = tokenizerFile.json;
      if (model?.type === 'BPE' && model.end_of_word_suffix === '</w>') {
        const cutter = { cut: clipWords(tokenizerFile), cutsWordsApart: true, takesBlanks: false };
        return new ClipTokenizer(cutter, clean, new LongTexts({ folder, file, clean }));
      }
    }
    return ClipTokenizer.of({ folder, file, clean, stripSepId, compiled: await compiledTokenizer(folder, file) });
  }

  /** A tokenizer of the hub whose tables are made. */
  static of(source: CompiledSource): ClipTokenizer {
    const { compiled, clean, stripSepId } = source;
    const cut = pipeline(compiled, stripSepId === undefined ? {} : { leftOut: OF_CAPTIONERS });
    const stripped = (text: string): number[] => {
      const ids = orUnusable(source, () => cut(text));
      return stripSepId === undefined ? ids : ids.map((id) => (id === stripSepId ? 0 : id));
    };
    return new ClipTokenizer({ cut: stripped, cutsWordsApart: compiled.cutsWordsApart, takesBlanks: true }, clean, new LongTexts(source));
  }

  /** The text's token ids. The array is shared with later calls: do not write to it. */
  encode(text: string): Int32Array {
    const known = this.cache.get(text);
    if (known) return known;
    const ids = Int32Array.from(this.cutter.cut(cleanText(text, this.clean)));
    if (text.length <= LONGEST_CACHED) this.cache.set(text, ids);
    return ids;
  }

  /** What the text's tokens are behind a prompt: see splitsCleanly(). */
  encodeBehind(text: string): Int32Array {
    if (!this.cutter.takesBlanks) return this.encode(text);
    const cleaned = cleanText(text, this.clean);
    return Int32Array.from(cleaned === '' ? [] : this.cutter.cut(` ${cleaned}`));
  }

  /**
   * True where the tokens of `prefix + ", " + text` are those of `prefix + ","` and, behind a prompt, of `text`, for every prefix for which
   * this is true as well. False says only that nothing is promised.
   */
  splitsCleanly(text: string): boolean {
    if (!this.cutter.cutsWordsApart || !splitsCleanly(text)) return false;
    return !this.cutter.takesBlanks || WORDS.test(cleanText(text, this.clean));
  }
}

/** A cleaned text that begins with a character of its own and has no name of a special token in it. */
const WORDS = /^(?!\p{M}|\p{C})[^<[\]]+$/u;

// The reference's engine compares single characters without regard to case: ſ is an s, and U+0345, whose capital is the letter
// iota, is neither a letter nor anything else. Cleaning leaves no white space but the blank.
const CONTRACTIONS = "'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL]{2}|'[dD]";

/** Cuts a text into words with the reference's own pattern, in which special tokens come first, and each word into tokens. */
function clipWords(file: TokenizerFile): (cleaned: string) => number[] {
  const special = orUnusable(file, () => namesOf(file.json as Json));
  const names = [...special.keys()].map((name) => caseless(name));
  const pattern = new RegExp([...names, CONTRACTIONS, '\\p{L}+', '\\p{N}', '[^ \\u0345\\p{L}\\p{N}]+'].join('|'), 'gu');
  const words = new PhraseCache<number[]>(65_536);
  const encoding = orUnusable(file, () => new BytePairEncoding(checkedModel(file.json.model as Json)));

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

/** They become one regular expression. CLIP's own has two names, of 15 and 13 characters. */
const MOST_NAMES = 1000;
const MOST_CHARACTERS = 2 ** 14;

function namesOf(json: Json): Map<string, number> {
  const names = new Map(addedTokensOf(json).map(({ content, id }) => [content, id]));
  const characters = [...names.keys()].reduce((sum, { length }) => sum + length, 0);
  if (names.size > MOST_NAMES || characters > MOST_CHARACTERS) throw new Error('its added_tokens are too many or too long for CLIP');
  return names;
}

function checkedModel(model: Json): BytePairModel {
  return { vocabulary: vocabularyOf(model.vocab), merges: list(model.merges, 'merges').map(pairOf), suffix: '</w>' };
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
