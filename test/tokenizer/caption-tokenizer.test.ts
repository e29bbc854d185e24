import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CaptionTokenizer } from '../../lib/tokenizer';
import { runPython } from '../support/python';
import { removeFolder, temporaryFolder } from './reference';

const kinds = temporaryFolder();

beforeAll(() => runPython([path.join(__dirname, 'reference_caption_kinds.py'), kinds]), 300_000);

afterAll(() => removeFolder(kinds));

describe('CaptionTokenizer', () => {
  const folder = temporaryFolder();
  let tokenizer: CaptionTokenizer;
  let cases: { ids: number[]; text: string }[];

  beforeAll(async () => {
    await runPython([path.join(__dirname, 'reference_caption.py'), folder]);
    cases = JSON.parse(readFileSync(path.join(folder, 'cases.json'), 'utf8'));
    tokenizer = await CaptionTokenizer.load(folder, { file: 'tokenizer.json' });
  }, 300_000);

  afterAll(() => removeFolder(folder));

  test("decodes as transformers' batch_decode does, special tokens left out", () => {
    expect(cases.length).toBeGreaterThan(3000);
    expect(cases.map(({ ids }) => tokenizer.decode(Int32Array.from(ids)))).toEqual(cases.map(({ text }) => text));
  });

  test('nothing decodes to an empty text', () => {
    expect(tokenizer.decode([])).toBe('');
  });

  test('an id outside of the vocabulary is named', () => {
    expect(() => tokenizer.decode([30_524])).toThrow(expect.objectContaining({ code: 'ERR_TOKENIZER' }));
    expect(() => tokenizer.decode([-1])).toThrow(/token -1/);
  });

  test('a file that is no tokenizer is refused', async () => {
    writeFileSync(path.join(folder, 'page.json'), '<html>not found</html>');
    writeFileSync(path.join(folder, 'other.json'), '{"version": "1.0"}');
    for (const file of ['page.json', 'other.json', 'missing.json']) {
      await expect(CaptionTokenizer.load(folder, { file })).rejects.toMatchObject({
        code: 'ERR_TOKENIZER',
        message: expect.stringContaining(file),
      });
    }
  });
});

describe.each(['bert', 'opt', 't5', 'bert-vocab', 'opt-vocab'])("a repository's tokenizer of %s", (kind) => {
  const folder = path.join(kinds, kind);
  let tokenizer: CaptionTokenizer;
  let cases: { decoded: { ids: number[]; text: string }[]; encoded: { text: string; ids: number[] }[] };

  beforeAll(async () => {
    cases = JSON.parse(readFileSync(path.join(folder, 'cases.json'), 'utf8'));
    tokenizer = await CaptionTokenizer.load(folder, {});
  });

  test("decodes as transformers' batch_decode does", () => {
    expect(cases.decoded.map(({ ids }) => tokenizer.decode(ids))).toEqual(cases.decoded.map(({ text }) => text));
  });

  test('gives the ids of a text without start and end', async () => {
    const encoded = cases.encoded.map(({ text }) => tokenizer.encode(text));
    expect(encoded.map((ids) => [...ids])).toEqual(cases.encoded.map(({ ids }) => ids));
  });
});

describe('a file that anybody may have written', () => {
  const folder = temporaryFolder();
  afterAll(() => removeFolder(folder));
  type Fields = Record<string, unknown>;
  const replace = (pattern: unknown, content: unknown): Fields => ({ decoder: { type: 'Replace', pattern, content } });

  test.each<[string, Fields]>([
    ['a regular expression in its decoder', replace({ Regex: '(a+)+c' }, '')],
    ['a decoder that writes a long text', replace({ String: 'a' }, 'a'.repeat(1000))],
    ['a decoder of an unknown kind', { decoder: { type: 'Own' } }],
    ['a decoder that is no object', { decoder: 'Fuse' }],
    ['an id that is too large', { model: { type: 'WordPiece', unk_token: 'a', vocab: { a: 1e12 } } }],
    ['an id below 0', { model: { type: 'WordPiece', unk_token: 'a', vocab: { a: -7 } } }],
    ['an id that is not whole', { model: { type: 'WordPiece', unk_token: 'a', vocab: { a: 3.5 } } }],
    ['no vocabulary', { model: { type: 'WordPiece' } }],
    ['words that are no texts', { model: { type: 'Unigram', unk_id: 0, vocab: [[5, 0]] } }],
    ['added tokens that are no list', { added_tokens: 5 }],
    ['an added token that is nothing', { added_tokens: [null] }],
    ['an added token without a text', { added_tokens: [{ id: 1, content: 5 }] }],
    ['more added tokens than any tokenizer', { added_tokens: Array.from({ length: 20_000 }, (_, id) => ({ id, content: `<${id}>` })) }],
  ])('%s is refused', async (_, fields) => {
    const json = JSON.parse(readFileSync(path.join(kinds, 'bert', 'tokenizer.json'), 'utf8'));
    writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify({ ...json, ...fields }));
    await expect(CaptionTokenizer.load(folder, {})).rejects.toMatchObject({ code: 'ERR_TOKENIZER' });
  });

  test('what only encoding needs is not run for a caption, and refused for a prompt', async () => {
    const json = JSON.parse(readFileSync(path.join(kinds, 'bert', 'tokenizer.json'), 'utf8'));
    const preTokenizer = { type: 'Split', pattern: { Regex: '(a+)+c' }, behavior: 'Isolated' };
    writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify({ ...json, pre_tokenizer: preTokenizer }));
    const tokenizer = await CaptionTokenizer.load(folder, {});
    expect(tokenizer.decode([1037, 4937])).toBe('a cat');
    expect(() => tokenizer.encode('a'.repeat(40))).toThrow(expect.objectContaining({ code: 'ERR_TOKENIZER' }));
  });
});
