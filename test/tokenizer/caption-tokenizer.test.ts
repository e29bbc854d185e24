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

describe.each(['bert', 'opt', 't5'])("a repository's tokenizer of %s", (kind) => {
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

  test('gives the ids of a text without start and end', () => {
    expect(cases.encoded.map(({ text }) => [...tokenizer.encode(text)])).toEqual(cases.encoded.map(({ ids }) => ids));
  });
});
