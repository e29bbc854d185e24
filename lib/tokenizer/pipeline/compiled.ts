/**
 * A tokenizer of the hub as tables that threads share: made once, in a thread (../compile), and read as they are. Nothing is built from
 * them where texts are cut, which for a vocabulary of 250,000 tokens would hold the event loop for a second.
 */

/** All strings of a vocabulary, by their UTF-16 code units. The children of a node lie side by side, in the order of their units. */
export interface TrieTable {
  /** By node, and one more: its first child. */
  first: Int32Array;
  /** By node: the unit that leads to it. */
  units: Uint16Array;
  /** By node: the id of the string that ends there, or -1. */
  ids: Int32Array;
  /** By unit: the root's child, or 0. */
  roots: Int32Array;
}

/** Pairs of tokens that become one, in a table of open addresses. */
export interface MergeTable {
  /** left × 2^26 + right, or -1. As many as a power of two. */
  keys: Float64Array;
  /** By place in `keys`: which merge comes first. */
  ranks: Int32Array;
  /** By rank: the token that the two become. */
  merged: Int32Array;
}

export interface UnigramModel {
  kind: 'Unigram';
  vocabulary: TrieTable;
  /** By id: the logarithm of a token's probability. */
  scores: Float64Array;
  unknownScore: number;
  /** Null: a text of which something is unknown cannot be cut. */
  unknownId: number | null;
  /** By byte: its token; null where bytes have none. */
  bytes: Int32Array | null;
}

export interface BpeModel {
  kind: 'BPE';
  /** The characters, or where whole words are looked up all tokens. */
  vocabulary: TrieTable;
  merges: MergeTable;
  unknownId: number | null;
  /** Unknown characters that follow each other become one token. */
  fusesUnknown: boolean;
  bytes: Int32Array | null;
  /** A word that is a token is not cut. */
  ignoresMerges: boolean;
}

export interface WordPieceModel {
  kind: 'WordPiece';
  vocabulary: TrieTable;
  /** What tokens begin with that go on with a word. */
  prefix: string;
  unknownId: number;
  /** Longer words are unknown as a whole. In code points. */
  longestWord: number;
}

/** SentencePiece's table of replacements. */
export interface Charsmap {
  /** A double array, as the library darts-clone lays it out, over bytes of UTF-8. */
  trie: Uint32Array;
  /** Replacements in UTF-8, each ended by a zero. */
  replacements: Uint8Array;
}

export type Normalizer =
  | { type: 'Sequence'; normalizers: Normalizer[] }
  | { type: 'Precompiled'; charsmap: Charsmap }
  | { type: 'NFC' | 'NFD' | 'NFKC' | 'NFKD' | 'Lowercase' }
  | { type: 'Strip'; left: boolean; right: boolean }
  | { type: 'Prepend'; text: string }
  | { type: 'Replace'; pattern: RegExp; by: string }
  | { type: 'BertNormalizer'; cleansText: boolean; partsChinese: boolean; stripsAccents: boolean; lowercase: boolean };

export type SplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export type PreTokenizer =
  | { type: 'Sequence'; pretokenizers: PreTokenizer[] }
  | { type: 'Metaspace'; replacement: string; prepends: 'always' | 'first' | 'never'; splits: boolean }
  | { type: 'ByteLevel'; prependsBlank: boolean; splits: boolean }
  | { type: 'WhitespaceSplit' | 'BertPreTokenizer' }
  | { type: 'Split'; pattern: RegExp; behavior: SplitBehavior; inverted: boolean };

/** A token that is looked for before anything else is done with a text. */
export interface AddedToken {
  id: number;
  content: string;
  /** It takes white space around it along. */
  takesLeft: boolean;
  takesRight: boolean;
  /** Only where no letter is beside it. */
  isWord: boolean;
  /** It is looked for in the normalized text. */
  isNormalized: boolean;
  /** No decoded text shows it. */
  isSpecial: boolean;
}

/** Tokens that are looked for together. */
export interface AddedTable {
  tokens: AddedToken[];
  /** Their contents. Its ids are places in `tokens`. */
  contents: TrieTable;
}

/** The texts of all tokens, by their ids. */
export interface TokenTable {
  /** In rising order. */
  ids: Int32Array;
  /** By place in `ids`, and one more: where the token begins in `units`. */
  starts: Int32Array;
  /** UTF-16 code units. */
  units: Uint16Array;
}

export type DecoderStep =
  | { type: 'WordPiece'; prefix: string; cleansUp: boolean }
  | { type: 'Metaspace'; replacement: string; dropsFirst: boolean }
  | { type: 'BPEDecoder'; suffix: string }
  | { type: 'Strip'; content: string; start: number; stop: number }
  | { type: 'Replace'; pattern: RegExp; by: string }
  | { type: 'ByteLevel' | 'ByteFallback' | 'Fuse' };

/** How token ids become a text. */
export interface CompiledDecoding {
  tokens: TokenTable;
  /** The tokens that no text shows. */
  special: string[];
  /** Null: tokens are joined with blanks. */
  steps: DecoderStep[] | null;
  /** Blanks before punctuation and contractions are taken out. */
  cleansUp: boolean;
}

/** A captioner's. */
export interface CompiledCaptionTokenizer {
  /** What is wrong, where captions can be decoded and no text can be encoded. */
  compiled: CompiledTokenizer | string;
  decoding: CompiledDecoding;
}

export interface CompiledTokenizer {
  normalizer: Normalizer | null;
  preTokenizer: PreTokenizer | null;
  /** Those that are looked for before a text is normalized, and those that are looked for after it. */
  added: { raw: AddedTable; normalized: AddedTable };
  model: UnigramModel | BpeModel | WordPieceModel;
  /** What begins a word of a model that cuts whole texts: none of its tokens has this after another character, so that each word can be cut alone. */
  wordStart: string | null;
  /** Whether the words of a text, between blanks, are cut each for itself. */
  cutsWordsApart: boolean;
}
