import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadList, parseList, stripLikePython } from '../../lib/labels/vocabulary';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vocabulary-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const parse = (text: string): string[] => parseList(Buffer.from(text, 'utf8'));

test('every kind of line end ends a line, and the last line needs none', () => {
  expect(parse('a\nb\r\nc\rd')).toEqual(['a', 'b', 'c', 'd']);
  expect(parse('a\n')).toEqual(['a']);
  expect(parse('')).toEqual([]);
});

test('empty and repeated lines stay', () => {
  expect(parse('a\n\na\n \n')).toEqual(['a', '', 'a', '']);
});

test('form feeds and Unicode line separators do not end a line', () => {
  expect(parse('a\u2028b\fc\u0085d')).toEqual(['a\u2028b\fc\u0085d']);
});

test("what Python's strip takes off is taken off, and a byte order mark is not", () => {
  expect(stripLikePython('\u001c\u0085\u3000 x y \u001f\u00a0\t')).toBe('x y');
  expect(stripLikePython('\ufeffx\u200b')).toBe('\ufeffx\u200b');
  expect(parse('\ufeffa\n')).toEqual(['\ufeffa']);
});

test('bytes that are not UTF-8 become replacement characters, one for each part that cannot go on', () => {
  expect(parseList(Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62, 0xf0, 0x9f, 0x0a]))).toEqual(['a\ufffd\ufffdb\ufffd']);
});

test('a list is loaded from a file, or from a folder and a name', async () => {
  writeFileSync(path.join(folder, 'list.txt'), ' a \nb\n');
  expect(await loadList(path.join(folder, 'list.txt'))).toEqual(['a', 'b']);
  expect(await loadList(folder, 'list.txt')).toEqual(['a', 'b']);
});

test('a list that is not there is named', async () => {
  await expect(loadList(folder, 'none.txt')).rejects.toMatchObject({
    code: 'ERR_VOCABULARY_NOT_FOUND',
    message: expect.stringContaining(path.join(folder, 'none.txt')),
  });
});
