/** What runs write is what the packages read that people read it with: Python's csv, pyarrow, datasets, webdataset, and sd-scripts' way. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openTable } from '../../../lib/run/outputs';
import type { Picture } from '../../../lib/run/picture';
import type { Row } from '../../../lib/run/row';
import { Random } from '../../fuzz/support/random';
import { longestTurn } from '../../support/main-thread';
import { Readers } from '../readers/readers';
import { encoded } from '../support/picture-set';

let work: string;
let readers: Readers;
beforeAll(() => {
  readers = new Readers();
});
afterAll(() => readers.end());
beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'outputs-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const PIECES = [
  'a cat',
  '"quoted"',
  "it's",
  'comma, comma',
  'line\nend',
  '\r\n',
  '\t',
  '🎨',
  'Ünï',
  '写真',
  '\ufeff',
  '=1+1',
  '\\',
  '  ',
  ';',
  '\u2028',
];

function madeUpText(random: Random): string {
  if (random.chance(0.02)) return 'long '.repeat(20_000);
  return Array.from({ length: random.between(1, 6) }, () => random.pick(PIECES)).join('');
}

function madeUpRows(count: number): Row[] {
  const random = new Random(5, count);
  return Array.from({ length: count }, (_, i): Row => {
    const base = { name: `set/${i} ${madeUpText(random).slice(0, 40)}.png`, sha256: String(i).padStart(64, '0') };
    if (random.chance(0.1)) return { ...base, error: { code: 'ERR_IMAGE_EMPTY', message: `It is "empty",\n${i}`, hint: 'Copy it.' } };
    const text = (mode: 'fast' | 'negative') => {
      const made = madeUpText(random);
      return { mode, text: made, original: made, similarity: Math.round(random.next() * 1e6) / 1e6 };
    };
    const row: Row = { ...base, width: random.between(1, 9000), height: random.between(1, 9000), texts: [text('fast'), text('negative')] };
    return random.chance(0.5) ? { ...row, caption: madeUpText(random), truncated: true } : row;
  });
}

async function write(
  name: string,
  kind: 'interrogate' | 'rank' | 'features',
  rows: readonly Row[],
  pictures: readonly Picture[] = [],
): Promise<string> {
  const file = path.join(work, name);
  const table = await openTable(file, { kind, modes: ['fast', 'negative'], similarities: true, probabilities: true, embedDim: 3 });
  for (const [i, row] of rows.entries()) await table.write(row, pictures[i]);
  await table.finish();
  return file;
}

type Flat = Record<string, string | number | boolean | null>;

/** What a row is in flat tables. */
function flat({ name, texts, caption, width, height, truncated, sha256, error }: Row): Flat {
  return {
    image: name,
    prompt: texts?.[0]?.text ?? null,
    similarity: texts?.[0]?.similarity ?? null,
    negative: texts?.[1]?.text ?? null,
    caption: caption ?? null,
    width: width ?? null,
    height: height ?? null,
    truncated: truncated ?? null,
    sha256: sha256 ?? null,
    error_code: error?.code ?? null,
    error: error?.message ?? null,
  };
}

test.each([
  ['out.csv', ','],
  ['out.tsv', '\t'],
])("%s is what Python's csv reads", async (name, delimiter) => {
  const rows = madeUpRows(300);
  const read = await readers.read<Record<string, string>[]>('read_csv', await write(name, 'interrogate', rows), delimiter);
  const shown = (value: Flat[string]): string => (value === null ? '' : String(value));
  expect(read).toEqual(rows.map((row) => Object.fromEntries(Object.entries(flat(row)).map(([column, value]) => [column, shown(value)]))));
});

test.each([0, 1, 499, 1300])(
  'a parquet file of %i rows is what pyarrow reads, with the same types however many there are',
  async (count) => {
    const rows = madeUpRows(count);
    const { types, rows: read } = await readers.read<{ types: Record<string, string>; rows: Flat[] }>(
      'read_parquet',
      await write('out.parquet', 'interrogate', rows),
    );
    expect(read).toEqual(rows.map(flat));
    expect(types).toEqual({
      image: 'string',
      prompt: 'string',
      similarity: 'double',
      negative: 'string',
      caption: 'string',
      width: 'int32',
      height: 'int32',
      truncated: 'bool',
      sha256: 'string',
      error_code: 'string',
      error: 'string',
    });
  },
);

test('rankings: a line a label in CSV, lists in parquet', async () => {
  const ranked = [
    { label: 'a "red" one', similarity: 0.25, probability: 0.75 },
    { label: 'blue,\ngreen', similarity: -0.125, probability: 0.25 },
  ];
  const rows: Row[] = [
    { name: 'a.png', ranked },
    { name: 'b.png', error: { code: 'ERR_IO', message: 'gone' } },
    { name: 'c.png', ranked: ranked.slice(1) },
  ];
  const lines = await readers.read<Record<string, string>[]>('read_csv', await write('out.csv', 'rank', rows));
  expect(lines.map(({ image, rank, label, similarity, probability }) => [image, rank, label, similarity, probability])).toEqual([
    ['a.png', '1', 'a "red" one', '0.25', '0.75'],
    ['a.png', '2', 'blue,\ngreen', '-0.125', '0.25'],
    ['b.png', '', '', '', ''],
    ['c.png', '1', 'blue,\ngreen', '-0.125', '0.25'],
  ]);
  const { rows: read } = await readers.read<{ rows: Record<string, unknown>[] }>('read_parquet', await write('out.parquet', 'rank', rows));
  expect(read.map(({ labels, similarities, probabilities }) => [labels, similarities, probabilities])).toEqual([
    [
      ['a "red" one', 'blue,\ngreen'],
      [0.25, -0.125],
      [0.75, 0.25],
    ],
    [null, null, null],
    [['blue,\ngreen'], [-0.125], [0.25]],
  ]);
});

test('features: a column a number in CSV, a list of floats in parquet', async () => {
  const features = Float32Array.from([0.1, -0.5, 1e-7]);
  const rows: Row[] = [
    { name: 'a.png', error: { code: 'ERR_IO', message: 'gone' } },
    { name: 'b.png', features },
    { name: 'c.png', features },
  ];
  const lines = await readers.read<Record<string, string>[]>('read_csv', await write('out.csv', 'features', rows));
  expect(lines.map(({ f0, f1, f2 }) => [f0, f1, f2].map((value) => (value === '' ? null : Math.fround(Number(value)))))).toEqual([
    [null, null, null],
    [...features],
    [...features],
  ]);
  const { types, rows: read } = await readers.read<{ types: Record<string, string>; rows: Record<string, unknown>[] }>(
    'read_parquet',
    await write('out.parquet', 'features', rows),
  );
  expect(types.features).toMatch(/^list<.*: float>$/);
  expect(read.map((row) => row.features)).toEqual([null, [...features], [...features]]);
});

/** Twelve bits each, so that JSON gives them back as they are. */
function madeUpFeatures(row: number, dim: number): Float32Array {
  return Float32Array.from({ length: dim }, (_, i) => (((row * 7919 + i * 104729) % 4096) - 2048) / 2048);
}

test('many features are in row groups of thousands, which pyarrow reads, and the event loop has its turns', async () => {
  const [count, dim, step] = [20_000, 512, 997];
  const table = await openTable(path.join(work, 'out.parquet'), { kind: 'features', modes: [], embedDim: dim });
  const rowAt = (i: number): Row =>
    i % 10 === 9
      ? { name: `${i}.png`, error: { code: 'ERR_IO', message: 'gone' } }
      : { name: `${i}.png`, width: i + 1, height: 2, sha256: String(i).padStart(64, '0'), features: madeUpFeatures(i, dim) };
  const longest = await longestTurn(async () => {
    for (let i = 0; i < count; i += 1) await table.write(rowAt(i));
    await table.finish();
  });
  const { groups, footer, rows } = await readers.read<{ groups: number[]; footer: number; rows: Record<string, unknown>[] }>(
    'read_parquet_groups',
    path.join(work, 'out.parquet'),
    String(step),
  );
  expect(groups.reduce((sum, rows) => sum + rows, 0)).toBe(count);
  expect(groups.length).toBeLessThanOrEqual(3);
  expect(footer).toBeLessThan(10_000);
  for (const [k, { image, width, sha256, error_code: code, features }] of rows.entries()) {
    const row = rowAt(k * step);
    expect({ image, width, sha256, code, features }).toEqual({
      image: row.name,
      width: row.width ?? null,
      sha256: row.sha256 ?? null,
      code: row.error?.code ?? null,
      features: row.features ? [...row.features] : null,
    });
  }
  // One that encodes a whole group in one go takes seconds.
  expect(longest).toBeLessThan(250);
}, 60_000);

describe('of pictures on the disk', () => {
  const TEXTS = ['a "cat",\nwith a comma', '🎨 写真', 'plain'];
  let rows: Row[];
  let pictures: Picture[];
  let sizes: number[][];

  beforeEach(async () => {
    rows = [];
    pictures = [];
    sizes = [];
    mkdirSync(path.join(work, 'below'));
    for (const [i, text] of TEXTS.entries()) {
      const name = path.join(work, i === 1 ? 'below' : '', `picture ${i}.png`);
      const bytes = await encoded(i, 'png');
      writeFileSync(name, bytes);
      sizes.push([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]);
      rows.push({ name, file: Buffer.from(name), texts: [{ mode: 'fast', text, original: text, similarity: 0.5 }] });
      pictures.push({ name, file: Buffer.from(name), open: async () => name });
    }
    const broken = path.join(work, 'broken.png');
    writeFileSync(broken, 'no picture');
    rows.push({ name: broken, file: Buffer.from(broken), error: { code: 'ERR_IMAGE_FORMAT', message: 'no picture' } });
    pictures.push({ name: broken, file: Buffer.from(broken), open: async () => broken });
  });

  test('metadata.jsonl makes the folder a dataset, without what failed', async () => {
    await write('metadata.jsonl', 'interrogate', rows);
    const read = await readers.read<{ size: number[]; text: string }[]>('read_image_folder', work, path.join(work, '.cache'));
    const byText = (a: { text: string }, b: { text: string }) => (a.text < b.text ? -1 : 1);
    expect(read.sort(byText)).toEqual(TEXTS.map((text, i) => ({ size: sizes[i], text })).sort(byText));
  }, 60_000);

  test("kohya's metadata has each picture by a path that is there, with its caption", async () => {
    const file = await write('meta.json', 'interrogate', rows);
    const read = await readers.read<{ path: string; caption: string }[]>('read_kohya', file, work);
    // The trainer reads the first line alone.
    expect(read).toEqual(TEXTS.map((text, i) => ({ path: rows[i]?.name, caption: text.replace('\n', ' ') })));
    expect(JSON.parse(readFileSync(await write('empty.json', 'interrogate', []), 'utf8'))).toEqual({});
  });

  test('a shard is what webdataset decodes', async () => {
    const file = await write('set.tar', 'interrogate', rows, pictures);
    const read = await readers.read<unknown[]>('read_web_dataset', file);
    expect(read).toEqual(TEXTS.map((text, i) => ({ key: `0000000${i}`, size: sizes[i], text, image: rows[i]?.name })));
    const again = readFileSync(file);
    expect(readFileSync(await write('again.tar', 'interrogate', rows, pictures)).equals(again)).toBe(true);
  });

  test('plain text: a line a picture', async () => {
    expect(readFileSync(await write('out.txt', 'interrogate', rows), 'utf8')).toBe('a "cat", with a comma\n🎨 写真\nplain\n');
  });
});

test('a table that is given up leaves what was there, and nothing else', async () => {
  for (const name of ['a.jsonl', 'a.csv', 'a.parquet', 'a.json', 'a.txt', 'a.tar', 'metadata.jsonl']) {
    writeFileSync(path.join(work, name), 'old');
    const table = await openTable(path.join(work, name), { kind: 'interrogate', modes: ['fast'], embedDim: 0 });
    await table.write(madeUpRows(3)[0] as Row);
    await table.abandon();
    expect([readdirSync(work), readFileSync(path.join(work, name), 'utf8')]).toEqual([[name], 'old']);
    rmSync(path.join(work, name));
  }
});
