/**
 * A model file of SentencePiece as the tokenizer.json that transformers makes of it (convert_slow_tokenizer.py). The file is a message of
 * protocol buffers: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 */
import type { Json } from './fields';

interface Piece {
  piece: string;
  score: number;
  type: number;
}

export interface SentencePieceModel {
  pieces: Piece[];
  /** 1: Unigram. 2: BPE. */
  modelType: number;
  unknownId: number;
  charsmap: Buffer;
}

const UNIGRAM = 1;
const [NORMAL, CONTROL, USER_DEFINED] = [1, 3, 4];
const MOST_PIECES = 2 ** 21;

/** Throws where the file breaks off or is no such message. */
export function readSentencePiece(bytes: Buffer): SentencePieceModel {
  const model: SentencePieceModel = { pieces: [], modelType: UNIGRAM, unknownId: 0, charsmap: Buffer.alloc(0) };
  for (const { field, value } of fieldsOf(bytes)) {
    if (field === 1) {
      if (model.pieces.push(pieceOf(message(value))) > MOST_PIECES) throw new Error('its vocabulary is too large');
    } else if (field === 2) {
      for (const { field: inner, value: given } of fieldsOf(message(value))) {
        if (inner === 3) model.modelType = number(given);
        if (inner === 40) model.unknownId = number(given);
      }
    } else if (field === 3) {
      for (const { field: inner, value: given } of fieldsOf(message(value))) if (inner === 2) model.charsmap = message(given);
    }
  }
  if (model.pieces.length === 0) throw new Error('it has no pieces');
  if (model.modelType !== UNIGRAM) throw new Error('it is no Unigram model: its repository needs a tokenizer.json');
  return model;
}

function pieceOf(bytes: Buffer): Piece {
  const piece = { piece: '', score: 0, type: NORMAL };
  for (const { field, value } of fieldsOf(bytes)) {
    if (field === 1) piece.piece = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message(value));
    if (field === 2) piece.score = message(value).readFloatLE(0);
    if (field === 3) piece.type = number(value);
  }
  return piece;
}

/** As T5TokenizerFast and MT5TokenizerFast begin; the settings are of tokenizer_config.json. */
export function t5Json({ pieces, unknownId, charsmap }: SentencePieceModel, settings: Json): Json {
  const count = typeof settings.extra_ids === 'number' ? settings.extra_ids : 100;
  const extra = Array.from({ length: Math.min(Math.max(count, 0), 10_000) }, (_, i) => `<extra_id_${i}>`);
  const vocab = [...pieces.map(({ piece, score }) => [piece, score] as const), ...[...extra].reverse().map((token) => [token, 0] as const)];
  const special = ['</s>', '<unk>', '<pad>', ...extra].map((content) => ({ content, lstrip: false, normalized: false, special: true }));
  // Only where it is said: `legacy` is true otherwise.
  return json(vocab, unknownId, charsmap, settings.legacy === false ? 'first' : 'always', [...addedPieces(pieces), ...special]);
}

/** As XLMRobertaTokenizerFast begins, whose ids are one further than SentencePiece's. */
export function xlmRobertaJson({ pieces, charsmap }: SentencePieceModel): Json {
  const first = ['<s>', '<pad>', '</s>', '<unk>'];
  const vocab = [
    ...first.map((token) => [token, 0] as const),
    ...pieces.slice(3).map(({ piece, score }) => [piece, score] as const),
    ['<mask>', 0] as const,
  ];
  const special = first.map((content) => ({ content, lstrip: false, normalized: false, special: true }));
  return json(vocab, 3, charsmap, 'always', [
    ...addedPieces(pieces),
    ...special,
    { content: '<mask>', lstrip: true, normalized: true, special: true },
  ]);
}

interface Added {
  content: string;
  lstrip: boolean;
  normalized: boolean;
  special: boolean;
}

function addedPieces(pieces: readonly Piece[]): Added[] {
  return pieces
    .filter(({ type }) => type === CONTROL || type === USER_DEFINED)
    .map(({ piece, type }) => ({ content: piece, lstrip: false, normalized: false, special: type === CONTROL }));
}

function json(
  vocab: readonly (readonly [token: string, score: number])[],
  unknownId: number,
  charsmap: Buffer,
  prepends: 'always' | 'first',
  added: readonly Added[],
): Json {
  const ids = new Map(vocab.map(([token], id) => [token, id]));
  const known = new Map(
    added.filter(({ content }) => ids.has(content)).map((token) => [token.content, { ...token, id: ids.get(token.content) }]),
  );
  const steps = [
    { type: 'Strip', strip_left: false, strip_right: true },
    { type: 'Replace', pattern: { Regex: ' {2,}' }, content: '\u2581' },
  ];
  const table = { type: 'Precompiled', precompiled_charsmap: charsmap.toString('base64') };
  return {
    added_tokens: [...known.values()],
    normalizer: { type: 'Sequence', normalizers: charsmap.length > 0 ? [table, ...steps] : steps },
    pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: prepends, split: true },
    decoder: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: prepends, split: true },
    model: { type: 'Unigram', unk_id: unknownId, vocab, byte_fallback: false },
  };
}

type Value = number | Buffer;

/** The fields of a message: whole numbers, or bytes; of numbers of fixed length their bytes. */
function* fieldsOf(bytes: Buffer): Generator<{ field: number; value: Value }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) throw new Error('it breaks off');
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('it is no message of protocol buffers');
  };
  const take = (length: number): Buffer => {
    if (!(length <= bytes.length - at)) throw new Error('it breaks off');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) yield { field, value: varint() };
    else if (wire === 1) yield { field, value: take(8) };
    else if (wire === 2) yield { field, value: take(varint()) };
    else if (wire === 5) yield { field, value: take(4) };
    else throw new Error('it is no message of protocol buffers');
  }
}

function message(value: Value): Buffer {
  if (typeof value === 'number') throw new Error('it is no message of protocol buffers');
  return value;
}

function number(value: Value): number {
  if (typeof value === 'number') return value;
  throw new Error('it is no message of protocol buffers');
}
