/** The files in which a repository keeps its tokenizer, in the order in which transformers prefers them. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { CompiledTokenizer } from '../pipeline/compiled';
import { type Json, object } from './fields';
import { readSentencePiece, t5Json, xlmRobertaJson } from './sentencepiece';
import { compileTokenizer } from './tokenizer-json';

/** The largest of the hub, Gemma's, has 34 MB. */
const MOST_BYTES = 128 * 2 ** 20;

const FORMS: readonly { files: readonly string[]; read: (folder: string) => Json }[] = [
  { files: ['tokenizer.json'], read: (folder) => readJson(path.join(folder, 'tokenizer.json')) },
  { files: ['spiece.model'], read: (folder) => t5Json(readSentencePiece(read(path.join(folder, 'spiece.model'))), settingsIn(folder)) },
  {
    files: ['sentencepiece.bpe.model'],
    read: (folder) => xlmRobertaJson(readSentencePiece(read(path.join(folder, 'sentencepiece.bpe.model')))),
  },
  { files: ['vocab.json', 'merges.txt'], read: robertaJson },
  { files: ['vocab.txt'], read: bertJson },
];

/** What the folder, or this file of it, has. Throws an Error that says which file cannot be used, and why. */
export function tokenizerIn(folder: string, file?: string): CompiledTokenizer {
  const { files, read: readForm } = file === undefined ? formIn(folder) : { files: [file], read: () => readJson(path.join(folder, file)) };
  try {
    return compileTokenizer(readForm(folder));
  } catch (cause) {
    throw new Error(`${files.join(' and ')}: ${(cause as Error).message}`, { cause });
  }
}

function formIn(folder: string): (typeof FORMS)[number] {
  const form = FORMS.find(({ files }) => files.every((name) => statSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile()));
  if (form) return form;
  throw new Error(`it has none of ${FORMS.map(({ files }) => files.join(' with ')).join(', ')}`);
}

/** RobertaTokenizerFast. */
function robertaJson(folder: string): Json {
  const vocab = readJson(path.join(folder, 'vocab.json'));
  const lines = read(path.join(folder, 'merges.txt')).toString('utf8').split('\n');
  const merges = lines.filter((line, i) => line.trim() !== '' && !(i === 0 && line.startsWith('#version')));
  const names = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'].filter((content) => typeof vocab[content] === 'number');
  return {
    added_tokens: names.map((content) => ({ content, id: vocab[content], lstrip: content === '<mask>', normalized: false })),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: settingsIn(folder).add_prefix_space === true, use_regex: true },
    model: { type: 'BPE', vocab, merges },
  };
}

/** BertTokenizerFast. */
function bertJson(folder: string): Json {
  const settings = settingsIn(folder);
  const lines = read(path.join(folder, 'vocab.txt')).toString('utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  const vocab = Object.fromEntries(lines.map((line, id) => [line.replace(/\r$/, ''), id]));
  const names = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'].filter((content) => vocab[content] !== undefined);
  return {
    added_tokens: names.map((content) => ({ content, id: vocab[content], normalized: false })),
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

function settingsIn(folder: string): Json {
  const file = path.join(folder, 'tokenizer_config.json');
  return statSync(file, { throwIfNoEntry: false }) ? readJson(file) : {};
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
