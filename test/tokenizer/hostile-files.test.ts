/** Tokenizer files that anybody may have written: a wrong field is named, and no file makes a text grow or an id wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CaptionTokenizer, ClipTokenizer } from '../../lib/tokenizer';
import { captionTokenizerIn } from '../../lib/tokenizer/compile/folder';
import { pipeline } from '../../lib/tokenizer/pipeline';
import { decoding, tokenOf } from '../../lib/tokenizer/pipeline/decoding';
import { removeFolder, temporaryFolder } from './reference';

type Fields = Record<string, unknown>;

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

function write(json: unknown): void {
  writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(json));
}

const ADDED = [{ id: 3, content: '<x>', lstrip: true, rstrip: true, single_word: true, normalized: true, special: true }];
const replace = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };

/** Together they have every step that is known. */
const FILES: Record<string, Fields> = {
  WordPiece: {
    added_tokens: ADDED,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
        { type: 'Strip', strip_left: true, strip_right: true },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'BertPreTokenizer' },
        { type: 'Split', pattern: { String: ',' }, behavior: 'Isolated', invert: false },
        { type: 'WhitespaceSplit' },
      ],
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'WordPiece', prefix: '##', cleanup: true },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 1 },
        { type: 'BPEDecoder', suffix: '</w>' },
      ],
    },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: { '[UNK]': 0, a: 1, '##a': 2, '<x>': 3 },
    },
  },
  Unigram: {
    added_tokens: ADDED,
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFKC' }, { type: 'Prepend', prepend: '▁' }, replace] },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'first', split: true },
    decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'first' },
    model: {
      type: 'Unigram',
      unk_id: 0,
      byte_fallback: true,
      vocab: [
        ['<unk>', 0],
        ['▁a', -1],
        ['a', -2],
      ],
    },
  },
  BPE: {
    added_tokens: ADDED,
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
    decoder: {
      type: 'Sequence',
      decoders: [{ type: 'ByteFallback' }, { type: 'ByteLevel' }, { ...replace, pattern: { String: '▁' }, content: ' ' }],
    },
    model: {
      type: 'BPE',
      unk_token: 'a',
      fuse_unk: true,
      byte_fallback: false,
      ignore_merges: false,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      vocab: { a: 0, Ġ: 1, Ġa: 2 },
      merges: ['Ġ a'],
    },
  },
};
const CLIP: Fields = {
  added_tokens: [{ id: 3, content: '<x>', special: true }],
  model: { type: 'BPE', end_of_word_suffix: '</w>', vocab: { a: 0, 'a</w>': 1, 'aa</w>': 2 }, merges: ['a a</w>'] },
};

const WRONG: readonly unknown[] = [
  null,
  true,
  5,
  -7,
  3.5,
  1e12,
  '',
  'x',
  '\ud800',
  'a'.repeat(100_000),
  [],
  [null],
  [[]],
  Array(20_000).fill('a'),
  {},
  { type: 5 },
  { String: 5 },
  { Regex: '(a+)+$' },
  { length: 1e9 },
];

/** The file with each of its fields, and their fields, replaced by each wrong value in turn. */
function* spoilt(value: unknown): Generator<{ json: unknown; at: string }> {
  for (const wrong of WRONG) yield { json: wrong, at: '' };
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const { json, at } of spoilt(inner)) {
      const copy: unknown = Array.isArray(value) ? replaced(value, Number(key), json) : { ...value, [key]: json };
      yield { json: copy, at: `.${key}${at}` };
    }
  }
}

function replaced(list: readonly unknown[], place: number, by: unknown): unknown[] {
  return list.map((each, i) => (i === place ? by : each));
}

const TEXT = 'a <x> aa, 漢 ﷺ é\u0301 <x>a';

/** What comes of the file that is written. Only an Error that somebody wrote names a field. */
function faultOf(run: () => void): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    const { cause = error } = error as Error;
    return (cause as Error).constructor === Error ? undefined : String(cause);
  }
}

describe.each(Object.entries(FILES))('a captioner with a model of %s', (_, file) => {
  test('reads, encodes and decodes as it is', async () => {
    write(file);
    const tokenizer = await CaptionTokenizer.load(folder, {});
    expect(tokenizer.decode(await tokenizer.encode('a'))).toMatch(/^ ?a$/);
  });

  test('with any wrong field works or says what is wrong', () => {
    const faults: string[] = [];
    let count = 0;
    for (const { json, at } of spoilt(file)) {
      count += 1;
      write(json);
      const fault = faultOf(() => {
        const { compiled, decoding: found } = captionTokenizerIn(folder, {});
        const tokens = [...found.tokens.ids.subarray(0, 8)].map((id) => tokenOf(found.tokens, id) as string);
        const text = decoding(found)(tokens);
        if (text.length > 10_000) throw new TypeError(`a text of ${text.length} characters`);
        if (typeof compiled === 'string') {
          if (/undefined|is not a function|iterable|Cannot/.test(compiled)) throw new TypeError(compiled);
          return;
        }
        const ids = pipeline(compiled)(TEXT);
        if (!ids.every((id) => Number.isInteger(id) && id >= 0)) throw new TypeError(`the ids ${ids}`);
      });
      if (fault !== undefined) faults.push(`${at}: ${JSON.stringify(json).slice(0, 200)}: ${fault}`);
    }
    expect(count).toBeGreaterThan(300);
    expect(faults.slice(0, 10)).toEqual([]);
  });
});

test("CLIP's own file with any wrong field works or is an ERR_TOKENIZER", async () => {
  const faults: string[] = [];
  let count = 0;
  for (const { json, at } of spoilt(CLIP)) {
    // Whatever is of another kind is read in a thread, which is tested above.
    const { model } = (json ?? {}) as { model?: Fields };
    if (model?.type !== 'BPE' || model.end_of_word_suffix !== '</w>') continue;
    write(json);
    count += 1;
    try {
      const tokenizer = await ClipTokenizer.load(folder, { file: 'tokenizer.json', clean: 'lower' });
      const ids = [...tokenizer.encode('a aa <x>')];
      if (!ids.every((id) => id >= 0 && id < 2 ** 24)) faults.push(`${at}: the ids ${ids}`);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code !== 'ERR_TOKENIZER' || /undefined|is not a function|iterable|Cannot (read|convert)/.test(message))
        faults.push(`${at}: ${error}`);
    }
  }
  expect(count).toBeGreaterThan(100);
  expect(faults.slice(0, 10)).toEqual([]);
});

describe('steps that make a text longer and longer', () => {
  const model = { type: 'WordPiece', unk_token: 'a', vocab: { a: 0 } };
  const double = { type: 'Replace', pattern: { String: 'a' }, content: 'aa' };
  const nested = (depth: number): object => ({
    type: 'Sequence',
    normalizers: [...Array(5).fill(double), ...(depth > 0 ? [nested(depth - 1)] : [])],
  });

  test.each<[string, Fields]>([
    ['normalizers in a row', { normalizer: { type: 'Sequence', normalizers: Array(60).fill(double) } }],
    ['normalizers within each other', { normalizer: nested(7) }],
    ['pre-tokenizers', { pre_tokenizer: { type: 'Sequence', pretokenizers: Array(60).fill({ type: 'ByteLevel', use_regex: false }) } }],
  ])('%s are an error of the text', async (_, fields) => {
    write({ model, ...fields });
    const tokenizer = await ClipTokenizer.load(folder, { clean: 'whitespace' });
    expect(() => tokenizer.encode('a 漢'.repeat(50))).toThrow(expect.objectContaining({ code: 'ERR_TOKENIZER' }));
  });

  test('decoders are an error of the caption', async () => {
    write({ model, decoder: { type: 'Sequence', decoders: Array(60).fill(double) } });
    const tokenizer = await CaptionTokenizer.load(folder, {});
    expect(() => tokenizer.decode([0, 0])).toThrow(expect.objectContaining({ code: 'ERR_TOKENIZER' }));
  });
});

test.each([
  ['too many', Array.from({ length: 5000 }, (_, i) => ({ id: 3, content: `<${i}>` }))],
  ['too long', [{ id: 3, content: 's'.repeat(100_000) }]],
])("names in CLIP's own file that are %s are refused", async (_, added) => {
  write({ ...CLIP, added_tokens: added });
  await expect(ClipTokenizer.load(folder, { file: 'tokenizer.json', clean: 'lower' })).rejects.toMatchObject({ code: 'ERR_TOKENIZER' });
});

test('a captioner with a quarter of a million words is read while others have their turn', async () => {
  const place = path.join(folder, 'large');
  mkdirSync(place);
  const vocab = Array.from({ length: 250_000 }, (_, i) => [`▁${i.toString(36)}`, -i / 1e5]);
  writeFileSync(
    path.join(place, 'tokenizer.json'),
    JSON.stringify({ ...FILES.Unigram, added_tokens: [], model: { type: 'Unigram', unk_id: 0, vocab } }),
  );
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 5);
  const tokenizer = await CaptionTokenizer.load(place, {});
  clearInterval(timer);
  expect(tokenizer.decode([36])).toBe('10');
  expect(turns).toBeGreaterThan(10);
}, 300_000);
