/** The model of a tokenizer.json: its vocabulary, and how words are cut into it. */
import type { BpeModel, CompiledTokenizer, UnigramModel, WordPieceModel } from '../pipeline/compiled';
import { flag, id, type Json, list, object, text } from './fields';
import { mergesOf, shared, trieOf } from './tables';

/** How far below the least probable token an unknown one is, as `tokenizers` and SentencePiece have it. */
const UNKNOWN_PENALTY = 10;

/** SentencePiece's blank, which words begin with. */
export const BLANK = '\u2581';

/** Throws for kinds that this version does not know. */
export function compileModel(model: Json): Pick<CompiledTokenizer, 'model' | 'wordStart'> {
  switch (kindOf(model)) {
    case 'Unigram':
      return { model: unigramModel(model), wordStart: null };
    case 'WordPiece':
      return { model: wordPieceModel(model), wordStart: null };
    case 'BPE':
      return bpeModel(model);
    default:
      throw new Error(`it is of a kind that is not known: ${kindOf(model)}`);
  }
}

/** Older files do not say it. */
function kindOf(model: Json): string {
  if (model.type !== undefined) return text(model.type, 'model.type');
  if (model.merges !== undefined) return 'BPE';
  return Array.isArray(model.vocab) ? 'Unigram' : 'WordPiece';
}

function unigramModel(model: Json): UnigramModel {
  const vocabulary = new Map<string, number>();
  const pieces = list(model.vocab, 'vocabulary');
  const scores = new Float64Array(pieces.length);
  for (const [id, piece] of pieces.entries()) {
    const [token, score] = list(piece, 'vocabulary') as [unknown, unknown];
    if (typeof score !== 'number' || !Number.isFinite(score)) throw new Error(`the score of its token ${id} is no number`);
    vocabulary.set(text(token, 'vocabulary'), id);
    scores[id] = score;
  }
  if (vocabulary.size === 0) throw new Error('its vocabulary is empty');
  // An empty token would be found at every place and lead nowhere.
  vocabulary.delete('');
  const unknownId = model.unk_id === null || model.unk_id === undefined ? null : id(model.unk_id, 'model.unk_id');
  if (unknownId !== null && unknownId >= pieces.length) throw new Error('its model.unk_id is not in its vocabulary');
  return {
    kind: 'Unigram',
    vocabulary: trieOf(vocabulary),
    scores: shared(Float64Array, scores),
    unknownScore: scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - UNKNOWN_PENALTY,
    unknownId,
    bytes: bytesOf(model, vocabulary),
  };
}

function bpeModel(model: Json): Pick<CompiledTokenizer, 'model' | 'wordStart'> {
  const vocabulary = vocabularyOf(model.vocab);
  for (const field of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[field]) throw new Error(`its model.${field} is ${JSON.stringify(model[field])}, which is not supported`);
  }
  const pairs = list(model.merges, 'merges').map(pairOf);
  const ignoresMerges = flag(model.ignore_merges, false, 'model.ignore_merges');
  const unknown = model.unk_token === null || model.unk_token === undefined ? undefined : text(model.unk_token, 'model.unk_token');
  // All that is looked up by its text; what merges make is found by its parts.
  const looked = ignoresMerges
    ? vocabulary
    : new Map([...vocabulary].filter(([token]) => token.length <= 2 && Array.from(token).length === 1));
  const compiled: BpeModel = {
    kind: 'BPE',
    vocabulary: trieOf(looked),
    merges: mergesOf(pairs, vocabulary),
    unknownId: unknown === undefined ? null : (vocabulary.get(unknown) ?? null),
    fusesUnknown: flag(model.fuse_unk, false, 'model.fuse_unk'),
    bytes: bytesOf(model, vocabulary),
    ignoresMerges,
  };
  const isWordwise = !ignoresMerges && vocabulary.has(BLANK) && !pairs.some(([left, right]) => /[^\u2581]\u2581/.test(left + right));
  return { model: compiled, wordStart: isWordwise ? BLANK : null };
}

export function pairOf(pair: unknown): [string, string] {
  const parts = typeof pair === 'string' ? pair.split(' ') : list(pair, 'merges');
  const [left, right] = parts;
  if (parts.length === 2 && typeof left === 'string' && typeof right === 'string') return [left, right];
  throw new Error('one of its merges is not of two tokens');
}

function wordPieceModel(model: Json): WordPieceModel {
  const vocabulary = vocabularyOf(model.vocab);
  const unknown = vocabulary.get(text(model.unk_token ?? '[UNK]', 'model.unk_token'));
  if (unknown === undefined) throw new Error('its vocabulary lacks its model.unk_token');
  return {
    kind: 'WordPiece',
    vocabulary: trieOf(vocabulary),
    prefix: text(model.continuing_subword_prefix ?? '##', 'model.continuing_subword_prefix'),
    unknownId: unknown,
    longestWord: id(model.max_input_chars_per_word ?? 100, 'model.max_input_chars_per_word'),
  };
}

/** The ids of a vocabulary that is an object. */
export function vocabularyOf(vocabulary: unknown): Map<string, number> {
  const entries = Object.entries(object(vocabulary, 'vocabulary'));
  for (const [token, value] of entries) id(value, `vocabulary's ${JSON.stringify(token)}`);
  return new Map(entries as [string, number][]);
}

/** All tokens with their ids, as they are read for decoding. */
export function tokensOf(model: Json): [id: number, token: string][] {
  if (!Array.isArray(model.vocab)) return [...vocabularyOf(model.vocab)].map(([token, id]) => [id, token]);
  return model.vocab.map((piece, id) => [id, text(list(piece, 'vocabulary')[0], 'vocabulary')]);
}

/** The tokens of bytes, `<0x00>` and so on, where the model falls back on them. */
function bytesOf(model: Json, vocabulary: ReadonlyMap<string, number>): Int32Array | null {
  if (!flag(model.byte_fallback, false, 'model.byte_fallback')) return null;
  const name = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
  return shared(
    Int32Array,
    Int32Array.from({ length: 256 }, (_, byte) => vocabulary.get(name(byte)) ?? -1),
  );
}
