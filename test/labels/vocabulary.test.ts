/** Term lists: every encoding that is read, everything else that people name by mistake, and lists of any length. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { loadList } from '../../lib';
import { strip } from '../../lib/tokenizer/clean/python-text';
import { answered } from '../fuzz/support/fuzz';
import { Random } from '../fuzz/support/random';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vocabulary-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function read(content: string | Buffer): Promise<string[]> {
  const file = path.join(folder, 'list.txt');
  writeFileSync(file, content);
  return answered(loadList(file), 30);
}

const swap = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const ENCODINGS: Record<string, (text: string) => Buffer> = {
  'UTF-8': (text) => Buffer.from(text),
  'UTF-8 with BOM': (text) => Buffer.from(`\ufeff${text}`),
  'UTF-16 LE with BOM': (text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  'UTF-16 BE with BOM': (text) => swap(`\ufeff${text}`),
};

describe('lines', () => {
  test('every kind of line end ends a line, and the last line needs none', async () => {
    expect(await read('a\nb\r\nc\rd')).toEqual(['a', 'b', 'c', 'd']);
    expect(await read('a\n')).toEqual(['a']);
    expect(await read('\r')).toEqual(['']);
    expect(await read('')).toEqual([]);
  });

  test('empty and repeated lines stay', async () => {
    expect(await read('a\n\na\n \n')).toEqual(['a', '', 'a', '']);
  });

  test('form feeds and Unicode line separators do not end a line', async () => {
    expect(await read('a\u2028b\fc\u0085d')).toEqual(['a\u2028b\fc\u0085d']);
  });

  test("what Python's strip takes off is taken off", () => {
    expect(strip('\u001c\u0085\u3000 x y \u001f\u00a0\t')).toBe('x y');
    expect(strip('\ufeffx\u200b')).toBe('\ufeffx\u200b');
    expect(strip(' \t\n')).toBe('');
  });
});

describe('encodings', () => {
  // Line ends and characters of several bytes fall on every place of what is read at a time.
  test.each(Object.keys(ENCODINGS))('%s is read from a stream, wherever that is cut', async (name) => {
    const text = 'ab\u00e9\u4e2d\u{1f600}\nz\r\n\u00fc\n';
    const bytes = (ENCODINGS[name] as (text: string) => Buffer)(text);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      for (const pieces of [[bytes.subarray(0, cut), bytes.subarray(cut)], [...bytes].map((byte) => Buffer.from([byte]))]) {
        expect(await loadList(Readable.from(pieces))).toEqual(['ab\u00e9\u4e2d\u{1f600}', 'z', '\u00fc']);
      }
    }
  });

  test('streams that are none, or give no bytes, are typed errors', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const broken = [{ [Symbol.asyncIterator]: () => ({}) }, Readable.from([1]), Readable.from(['text']), Readable.from([{}])];
    for (const source of [proxy, 1, null, {}, [], ...broken]) {
      await expect(loadList(source as Readable)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARGUMENT|IO)$/) });
    }
  });

  test.each(Object.keys(ENCODINGS))('%s is read, whatever the length', async (name) => {
    const encode = ENCODINGS[name] as (text: string) => Buffer;
    for (let number = 0; number < 12; number += 1) {
      const random = new Random(3, number);
      const terms = Array.from({ length: random.pick([0, 1, 50, 5000, 20_000]) }, () =>
        Array.from({ length: random.between(1, 12) }, () => random.pick(['a', 'é', '日', '𝒳', ' ', '\u2028', '\ufffd'])).join(''),
      );
      const end = random.pick(['\n', '\r\n', '\r']);
      const text = terms.map((term) => term + end).join('');
      expect(await read(encode(text))).toEqual(terms.map(strip));
    }
  });

  test.each<[string, string, (filler: string) => Buffer]>([
    ['Latin-1', 'looks like Latin-1', (filler) => Buffer.from(`${filler}café\n`, 'latin1')],
    [
      'Windows-1252',
      'looks like Windows-1252',
      (filler) => Buffer.concat([Buffer.from(filler), Buffer.from('\x93a quoted term\x94\n', 'latin1')]),
    ],
    ['GBK', 'another code page', (filler) => Buffer.concat([Buffer.from(filler.slice(0, 9)), Buffer.alloc(60, 'c4e3', 'hex')])],
    ['UTF-16 without a mark', 'UTF-16 without', (filler) => Buffer.from(filler || 'abc\n', 'utf16le')],
    ['UTF-16 with half a pair', 'UTF-16 is broken', (filler) => Buffer.from(`\ufeff${filler}a\ud800b`, 'utf16le')],
    [
      'UTF-16 of an odd length',
      'UTF-16 is broken',
      (filler) => Buffer.concat([Buffer.from(`\ufeff${filler}a`, 'utf16le'), Buffer.from('b')]),
    ],
    ['UTF-32', 'UTF-32', () => Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0, 0x62, 0, 0, 0])],
    ['UTF-8 cut off', 'breaks off', (filler) => Buffer.from(`${filler}日`).subarray(0, -1)],
    ['binary', 'binary data', (filler) => Buffer.concat([Buffer.from(filler), Buffer.from([1, 2, 7, 0, 0xff, 3, 0x80, 4])])],
    ['a PNG', 'a PNG image', (filler) => Buffer.from(`\x89PNG\r\n\x1a\n\0\0\0\rIHDR${filler}`, 'latin1')],
    ['gzip', 'gzip data', (filler) => Buffer.from(`\x1f\x8b\x08\0\0${filler}`, 'latin1')],
    ['a ZIP', 'ZIP', (filler) => Buffer.from(`PK\x03\x04\x14\0${filler}`, 'latin1')],
    ['a PDF', 'PDF', (filler) => Buffer.from(`%PDF-1.7\n%\xe2\xe3\xcf\xd3\n${filler}`, 'latin1')],
  ])('%s is refused with what it looks like', async (_, looks, make) => {
    for (const length of [0, 1, 100, 20_000]) {
      await expect(read(make('soft light\n'.repeat(length)))).rejects.toMatchObject({
        name: 'InterrogatorError',
        code: 'ERR_VOCABULARY_INVALID',
        message: expect.stringContaining(looks),
      });
    }
  });

  test('a stream that throws anything is an error of reading', async () => {
    for (const thrown of [undefined, 5, new Error('no disk')]) {
      const stream = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(thrown) }) };
      await expect(loadList(stream as never)).rejects.toMatchObject({
        code: 'ERR_IO',
        message: expect.stringMatching(/undefined$|5$|no disk$/),
      });
    }
  });

  test('the advice fits what was found', async () => {
    const gbk = Buffer.alloc(60, 'c4e3', 'hex');
    const utf32 = Buffer.from([0, 0, 0, 0x61, 0, 0, 0, 0x62, 0, 0, 0, 10]);
    for (const [bytes, advice] of [
      [gbk, 'iconv -f ENCODING'],
      [Buffer.from('café\n', 'latin1'), 'iconv -f Windows-1252'],
      [Buffer.from('abc\n', 'utf16le'), 'iconv -f UTF-16'],
      [utf32, 'iconv -f UTF-32'],
    ] as const) {
      await expect(read(bytes)).rejects.toMatchObject({ hint: expect.stringContaining(advice) });
    }
    await expect(read(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))).rejects.toMatchObject({ hint: expect.not.stringContaining('iconv') });
  });

  test('the first byte that is wrong is named', async () => {
    for (let number = 0; number < 20; number += 1) {
      const random = new Random(5, number);
      const before = Buffer.from('aé日𝒳\n'.repeat(random.below(12_000)));
      const bytes = Buffer.concat([before, Buffer.from([0xe9]), Buffer.from(' and more\n'.repeat(random.below(9000)))]);
      await expect(read(bytes)).rejects.toThrow(`byte 0xE9 at byte ${before.length};`);
    }
  });
});

describe('files', () => {
  test('a list is loaded from a file, or from a folder and a name', async () => {
    writeFileSync(path.join(folder, 'terms.txt'), ' a \nb\n');
    expect(await loadList(path.join(folder, 'terms.txt'))).toEqual(['a', 'b']);
    expect(await loadList(folder, 'terms.txt')).toEqual(['a', 'b']);
  });

  test('a list that is not there is named', async () => {
    await expect(loadList(folder, 'none.txt')).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_NOT_FOUND',
      message: expect.stringContaining(path.join(folder, 'none.txt')),
    });
  });

  test.each<[string, (file: string) => unknown]>([
    ['folder', (file) => mkdirSync(file)],
    ['pipe', (file) => execFileSync('mkfifo', [file])],
    ['device', (file) => execFileSync('ln', ['-s', '/dev/zero', file])],
  ])('a %s is refused at once', async (kind, make) => {
    const file = path.join(folder, `a-${kind}`);
    make(file);
    await expect(answered(loadList(file), 5)).rejects.toMatchObject({
      code: 'ERR_VOCABULARY_INVALID',
      message: expect.stringContaining(`is a ${kind}`),
    });
  });

  test('a socket is refused at once', async () => {
    const file = path.join(folder, 'a-socket');
    const server = createServer().listen(file);
    await new Promise((resolve) => server.once('listening', resolve));
    await expect(answered(loadList(file), 5)).rejects.toMatchObject({ code: 'ERR_IO' });
    server.close();
  });
});

describe('length', () => {
  test('a list of more than 128 MiB is refused before it is read', async () => {
    const file = path.join(folder, 'long.txt');
    writeFileSync(file, 'a\n');
    for (const megabytes of [129, 600, 5000]) {
      truncateSync(file, megabytes * 2 ** 20);
      await expect(loadList(file)).rejects.toMatchObject({ code: 'ERR_VOCABULARY_INVALID', message: expect.stringContaining('134217728') });
    }
  });

  test('too many lines and too long a line are refused', async () => {
    await expect(read('\n'.repeat(2 ** 23 + 1))).rejects.toMatchObject({ code: 'ERR_VOCABULARY_INVALID' });
    for (const length of [65_537, 200_000, 2_000_000]) {
      await expect(read(`a\n${'b'.repeat(length)}\nc`)).rejects.toMatchObject({
        code: 'ERR_VOCABULARY_INVALID',
        message: expect.stringContaining('line 2'),
      });
    }
    expect(await read('b'.repeat(65_536))).toHaveLength(1);
  });

  test('a long list is read in slices, between which others have their turn', async () => {
    for (const lines of [100_000, 800_000]) {
      const content = Buffer.from('a term of many\n'.repeat(lines));
      let turns = 0;
      const turn = (): void => {
        turns += 1;
        timer = setImmediate(turn);
      };
      let timer = setImmediate(turn);
      expect(await read(content)).toHaveLength(lines);
      clearImmediate(timer);
      expect(turns).toBeGreaterThanOrEqual(content.length / 2 ** 17);
    }
  });
});
