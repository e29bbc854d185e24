/** The rows of parquet files in the layouts that sets of pictures have. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet' with { 'resolution-mode': 'import' };
import { countPictures, picturesOf } from '../../../lib/run/inputs';
import { never, numbers, readAll } from './reading';

type Write = typeof import('hyparquet-writer', { with: { 'resolution-mode': 'import' }}).parquetWriteBuffer;

let work: string;
let file: string;
let write: Write;

beforeAll(async () => {
  write = (await import('hyparquet-writer')).parquetWriteBuffer;
});

beforeEach(() => {
  work = mkdtempSync(path.join(tmpdir(), 'parquet-'));
  file = path.join(work, 'set.parquet');
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

function save(options: Parameters<Write>[0]): void {
  writeFileSync(file, Buffer.from(write(options)));
}

/** A frame of Zstandard that stores its content as it is. */
function zstdStored(bytes: Uint8Array): Uint8Array {
  const head = Buffer.from('28b52ffda000000000', 'hex');
  head.writeUInt32LE(bytes.length, 5);
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 1 << 17) {
    const block = Buffer.from(bytes.subarray(at, at + (1 << 17)));
    const blockHead = Buffer.alloc(3);
    blockHead.writeUIntLE((block.length << 3) | (at + block.length >= bytes.length ? 1 : 0), 0, 3);
    blocks.push(blockHead, block);
  }
  return Buffer.concat([head, ...blocks]);
}

const compressors = { ZSTD: zstdStored, GZIP: (bytes: Uint8Array) => gzipSync(bytes) };

/** Compressible and not, empty ones and large ones, some twice. */
function randomImages(seed: number, count: number): Buffer[] {
  const pick = numbers(seed);
  const images: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const length = [1, 10, 1000, 20_000, 60_000][pick(5)] as number;
    const kind = pick(4);
    if (kind === 0) images.push(images[pick(Math.max(1, i))] ?? Buffer.from('first'));
    else images.push(kind === 1 ? Buffer.alloc(length, `${i} `) : Buffer.from(Array.from({ length }, () => pick(256))));
  }
  return images;
}

async function rows(): Promise<{ name: string; content: Buffer | string }[]> {
  const all: { name: string; content: Buffer | string }[] = [];
  for await (const { name, open } of picturesOf([file])) all.push({ name: name.slice(file.length), content: await open(never) });
  return all;
}

describe.each(['UNCOMPRESSED', 'SNAPPY', 'ZSTD', 'GZIP'] as const)('pages compressed as %s', (codec) => {
  test.each([1, 2, 3])('bytes in a column of their own (%i): each row, in pages and row groups of any size', async (seed) => {
    const images = randomImages(seed, 60);
    const [rowGroupSize, pageSize] = [
      [7, 1000],
      [60, 1 << 20],
      [25, 30_000],
    ][seed - 1] as [number, number];
    const labels = images.map((_, i) => `label ${i}`);
    save({
      columnData: [
        { name: 'label', data: labels, type: 'STRING' },
        { name: 'picture', data: images, type: 'BYTE_ARRAY', nullable: seed === 2 },
      ],
      codec,
      compressors,
      rowGroupSize,
      pageSize,
    });
    expect(await countPictures([file])).toBe(60);
    const found = await rows();
    expect(found.map(({ name }) => name)).toEqual(images.map((_, i) => `#${i}`));
    expect(found.findIndex(({ content }, i) => !images[i]?.equals(content as Buffer))).toBe(-1);
  });

  test('as data sets of the hub have them: bytes, or a path, or neither', async () => {
    writeFileSync(path.join(work, 'a.jpg'), 'a file');
    const data = Array.from({ length: 50 }, (_, i) => {
      if (i % 10 === 3) return { bytes: null, path: path.join(work, 'a.jpg') };
      if (i % 10 === 5) return null;
      if (i % 10 === 7) return { bytes: null, path: null };
      return { bytes: Buffer.from(`content ${i}`), path: i % 2 ? null : `${i}.jpg` };
    });
    const schema: SchemaElement[] = [
      { name: 'root', num_children: 2 },
      { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
      { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
      { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
      { name: 'label', type: 'INT32', repetition_type: 'REQUIRED' },
    ];
    const columnData = [
      { name: 'image', data },
      { name: 'label', data: data.map((_, i) => i) },
    ];
    save({ columnData, schema, codec, compressors, rowGroupSize: 16, pageSize: 100 });
    expect(await readAll(picturesOf([file]))).toEqual(
      data.map((row, i) => {
        if (row?.bytes) return [`${file}#${i}`, `content ${i}`];
        return [`${file}#${i}`, row?.path ? 'a file' : expect.stringMatching(/^ERR_IMAGE_EMPTY/)];
      }),
    );
    for await (const { name, file: own } of picturesOf([file])) {
      expect(own?.toString()).toBe(name.endsWith('3') ? path.join(work, 'a.jpg') : undefined);
    }
  });
});

test('text in a column is a path or a URL', async () => {
  writeFileSync(path.join(work, 'a.jpg'), 'a file');
  const base64 = Buffer.from('in the URL').toString('base64');
  const data = [path.join(work, 'a.jpg'), `data:image/png;base64,${base64}`, path.join(work, 'missing.jpg'), `file://${work}/a.jpg`, null];
  save({ columnData: [{ name: 'image', data, type: 'STRING', nullable: true }] });
  expect((await readAll(picturesOf([file]))).map(([name, content]) => [name.slice(file.length), content])).toEqual([
    ['#0', 'a file'],
    ['#1', 'in the URL'],
    ['#2', expect.stringMatching(/^ERR_IMAGE_NOT_FOUND: There is no file .*missing.jpg/)],
    ['#3', 'a file'],
    ['#4', expect.stringMatching(/^ERR_IMAGE_EMPTY/)],
  ]);
});

test.each([
  { names: ['a', 'jpg', 'image'], taken: 'image' },
  { names: ['bytes', 'a', 'WebP'], taken: 'WebP' },
  { names: ['b', 'a'], taken: 'b' },
])('of columns $names the images are in $taken', async ({ names, taken }) => {
  save({ columnData: names.map((name) => ({ name, data: [Buffer.from(name)], type: 'BYTE_ARRAY' as const })) });
  expect(await readAll(picturesOf([file]))).toEqual([[`${file}#0`, taken]]);
});

test('a column of another type is passed over', async () => {
  save({
    columnData: [
      { name: 'image', data: [1], type: 'INT32' },
      { name: 'text', data: ['a'], type: 'STRING' },
      { name: 'data', data: [Buffer.from('b')], type: 'BYTE_ARRAY' },
    ],
  });
  expect(await readAll(picturesOf([file]))).toEqual([[`${file}#0`, 'b']]);
});

describe('one picture that fails, and says what was found', () => {
  const failing = async (): Promise<string> => {
    const found = await readAll(picturesOf([file]));
    expect(found.map(([name]) => name)).toEqual([file]);
    expect(await countPictures([file])).toBe(1);
    return found[0]?.[1] as string;
  };

  test('no column of images', async () => {
    save({
      columnData: [
        { name: 'id', data: [1], type: 'INT32' },
        { name: 'text', data: ['a'], type: 'STRING' },
      ],
    });
    expect(await failing()).toMatch(/^ERR_IMAGE_NOT_FOUND: .*set\.parquet has no column of images: it has id \(INT32\), text \(text\)/);
  });

  test('no rows', async () => {
    save({ columnData: [{ name: 'image', data: [], type: 'BYTE_ARRAY' }] });
    expect(await failing()).toMatch(/^ERR_IMAGE_NOT_FOUND: .*set\.parquet has no rows/);
  });

  test('another kind of file', async () => {
    for (const [content, said] of [
      ['', ''],
      ['id,te', 'id,t'],
      ['PAR', 'PAR'],
    ] as const) {
      writeFileSync(file, content);
      expect(await failing()).toMatch(`ERR_IMAGE_FORMAT: ${file} is no parquet file: it begins with "${said}"`);
    }
  });

  test('a file that breaks off', async () => {
    save({ columnData: [{ name: 'image', data: randomImages(1, 20), type: 'BYTE_ARRAY' }] });
    writeFileSync(file, readFileSync(file).subarray(0, 5000));
    expect(await failing()).toMatch(/^ERR_IMAGE_TRUNCATED/);
  });

  test('no file', async () => {
    expect(await failing()).toMatch(/^ERR_IMAGE_NOT_FOUND: There is no file/);
  });
});

test.each([1, 2, 3, 4])('damage anywhere (%i): rows as they were, until one picture says that there is damage', async (seed) => {
  const images = randomImages(seed, 30).map((bytes) => bytes.subarray(0, 2000));
  save({ columnData: [{ name: 'image', data: images, type: 'BYTE_ARRAY' }], codec: 'SNAPPY', rowGroupSize: 10, pageSize: 3000 });
  const whole = readFileSync(file);
  const pick = numbers(seed * 13);
  for (let i = 0; i < 6; i++) {
    const damaged = Buffer.from(whole);
    const at = 4 + pick(damaged.length - 12);
    damaged.fill(pick(256), at, at + 1 + pick(40));
    writeFileSync(file, damaged);
    const found = await readAll(picturesOf([file]));
    // A change of the images' own bytes cannot be noticed here.
    const isWhole = found.length === 30 && found.every(([name], k) => name === `${file}#${k}`);
    if (!isWhole) expect(found.at(-1)).toEqual([file, expect.stringMatching(/^ERR_/)]);
    expect(found.slice(0, -1).every(([name], k) => name === `${file}#${k}`)).toBe(true);
  }
});

test('stamps are of the file and the row', async () => {
  const data = ['a', 'b', 'c'].map((text) => Buffer.from(text));
  const stampsOf = async (): Promise<(string | undefined)[]> => {
    const stamps: (string | undefined)[] = [];
    for await (const picture of picturesOf([file])) stamps.push(await picture.stamp?.());
    return stamps;
  };
  save({ columnData: [{ name: 'image', data, type: 'BYTE_ARRAY' }] });
  const stamps = await stampsOf();
  expect(new Set(stamps).size).toBe(3);
  expect(await stampsOf()).toEqual(stamps);
  save({ columnData: [{ name: 'image', data: data.slice(1), type: 'BYTE_ARRAY' }] });
  expect((await stampsOf()).filter((stamp) => stamps.includes(stamp))).toEqual([]);
});

test('globs of parquet files are expanded, and those who stop early are left in peace', async () => {
  save({ columnData: [{ name: 'image', data: [Buffer.from('a'), Buffer.from('b')], type: 'BYTE_ARRAY' }] });
  writeFileSync(path.join(work, 'set-2.parquet'), readFileSync(file));
  const pattern = path.join(work, 'set*.parquet');
  expect(await countPictures([pattern])).toBe(4);
  for await (const { name } of picturesOf([pattern])) {
    expect(name).toBe(`${path.join(work, 'set-2.parquet')}#0`);
    break;
  }
});
