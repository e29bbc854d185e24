/** The files in which a repository keeps its tokenizer, in the order in which transformers prefers them. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { CompiledCaptionTokenizer, CompiledTokenizer } from '../pipeline/compiled';
import { compileDecoding } from './decoding';
import { type Json, object } from './fields';
import { readSentencePiece, t5Json, xlmRobertaJson } from './sentencepiece';
import { compileTokenizer } from './tokenizer-json';

/** The largest of the hub, Gemma's, has 34 MB. */
const MOST_BYTES = 128 * 2 ** 20;

export const FORMS: readonly { files: readonly string[]; read: (folder: string) => Json }[] = [
  { files: ['tokenizer.json'], read: (folder) => readJson(path.join(folder, 'tokenizer.json')) },
  { files: ['spiece.model'], read: (folder) => t5Json(readSentencePiece(read(path.join(folder, 'spiece.model'))), settingsIn(folder)) },
  {
    files: ['sentencepiece.bpe.model'],
    read: (folder) => xlmRobertaJson(readSentencePiece(read(path.join(folder, 'sentencepiece.bpe.model')))),
  },
  { files: ['vocab.json', 'merges.txt'], read: byteLevelJson },
  { files: ['vocab.txt'], read: bertJson },
];

/** What the folder, or this file of it, has. Throws an Error that says which file cannot be used, and why. */
export function tokenizerIn(folder: string, { file }: { file?: string | undefined } = {}): CompiledTokenizer {
  return readIn(folder, file, compileTokenizer);
}

/** The same with what decoding needs, which is a captioner's. Without `cleansUp` the folder's settings say it. */
export function captionTokenizerIn(
  folder: string,
  { file, cleansUp }: { file?: string | undefined; cleansUp?: boolean | undefined },
): CompiledCaptionTokenizer {
  return readIn(folder, file, (json) => ({
    compiled: orFault(() => compileTokenizer(json)),
    decoding: { ...compileDecoding(json), cleansUp: cleansUp ?? cleansUpIn(folder) },
  }));
}

/** Captions are decoded also where this version cannot encode: then what is wrong, for whom wants to. */
function orFault<T>(make: () => T): T | string {
  try {
    return make();
  } catch (cause) {
    return (cause as Error).message;
  }
}

/** What a repository's settings say. Without them BERT's is meant, which does; with them, transformers' default is not to. */
function cleansUpIn(folder: string): boolean {
  const settings = settingsOf(folder, SETTINGS);
  return settings === undefined || settings.clean_up_tokenization_spaces === true;
}

function readIn<T>(folder: string, file: string | undefined, compile: (json: Json) => T): T {
  const { files, read: readForm } = file === undefined ? formIn(folder) : { files: [file], read: () => readJson(path.join(folder, file)) };
  try {
    return compile(readForm(folder));
  } catch (cause) {
    throw new Error(`${files.join(' and ')}: ${(cause as Error).message}`, { cause });
  }
}

function formIn(folder: string): (typeof FORMS)[number] {
  const form = FORMS.find(({ files }) => files.every((name) => statSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile()));
  if (form) return form;
  throw new Error(`it has none of ${FORMS.map(({ files }) => files.join(' with ')).join(', ')}`);
}

/** RobertaTokenizerFast and GPT2TokenizerFast, which OPT uses. */
function byteLevelJson(folder: string): Json {
  const vocab = readJson(path.join(folder, 'vocab.json'));
  const lines = read(path.join(folder, 'merges.txt')).toString('utf8').split('\n');
  const merges = lines.filter((line, i) => line.trim() !== '' && !(i === 0 && line.startsWith('#version')));
  const names = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'].filter((content) => typeof vocab[content] === 'number');
  const added = names.map((content) => ({ content, id: vocab[content], lstrip: content === '<mask>', normalized: false, special: true }));
  return {
    added_tokens: [...added, ...listedTokens(folder)],
    decoder: { type: 'ByteLevel' },
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: settingsIn(folder).add_prefix_space === true, use_regex: true },
    model: { type: 'BPE', vocab, merges },
  };
}

/** Tokens that the settings list with their ids: such as BLIP's [DEC], or OPT's <image>. They count before others of the same content. */
function listedTokens(folder: string): unknown[] {
  const older = Object.entries(settingsOf(folder, 'added_tokens.json') ?? {}).map(([content, id]) => ({ content, id }));
  const { added_tokens_decoder: byId } = settingsIn(folder);
  if (byId === undefined) return older;
  const listed = Object.entries(object(byId, 'added_tokens_decoder'));
  return [...older, ...listed.map(([id, token]) => ({ ...object(token, 'added_tokens_decoder'), id: Number(id) }))];
}

/** BertTokenizerFast. */
function bertJson(folder: string): Json {
  const settings = settingsIn(folder);
  const lines = read(path.join(folder, 'vocab.txt')).toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const vocab = Object.fromEntries(lines.map((line, id) => [line.replace(/\r$/, ''), id]));
  const names = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].filter((content) => vocab[content] !== undefined);
  const added = names.map((content) => ({ content, id: vocab[content], normalized: false, special: true }));
  return {
    added_tokens: [...added, ...listedTokens(folder)],
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: settings.tokenize_chinese_chars !== false,
      strip_accents: settings.strip_accents ?? null,
      lowercase: settings.do_lower_case !== false,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', vocab },
  };
}

const SETTINGS = 'tokenizer_config.json';

function settingsIn(folder: string): Json {
  return settingsOf(folder, SETTINGS) ?? {};
}

function settingsOf(folder: string, name: string): Json | undefined {
  const file = path.join(folder, name);
  if (!statSync(file, { throwIfNoEntry: false })) return undefined;
  try {
    return readJson(file);
  } catch (cause) {
    throw new Error(`${name}: ${(cause as Error).message}`, { cause });
  }
}

function readJson(file: string): Json {
  return object(JSON.parse(read(file).toString('utf8')), 'content');
}

/** The package's own files are compressed. */
function read(file: string): Buffer {
  const isCompressed = !statSync(file, { throwIfNoEntry: false }) && statSync(`${file}.br`, { throwIfNoEntry: false }) !== undefined;
  const place = isCompressed ? `${file}.br` : file;
  const { size } = statSync(place);
  if (size > MOST_BYTES) throw new Error(`its ${size} bytes are too many for a tokenizer`);
  const bytes = readFileSync(place);
  return isCompressed ? brotliDecompressSync(bytes, { maxOutputLength: MOST_BYTES }) : bytes;
}
