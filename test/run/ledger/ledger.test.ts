/** The ledger: what was written is found again, whatever became of the end of its file. */
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { asKept } from '../../../lib/run/ledger/feature-file';
import { LEDGER_FILE, Ledger } from '../../../lib/run/ledger/ledger';
import type { PictureLine } from '../../../lib/run/ledger/line';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'ledger-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const file = (): string => path.join(folder, LEDGER_FILE);

function unitRow(seed: number, dim = 8): Float32Array {
  const row = Float32Array.from({ length: dim }, (_, i) => Math.sin(seed * 31 + i * 7 + 1));
  const length = Math.hypot(...row);
  return row.map((value) => value / length);
}

async function withLedger<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await Ledger.open(folder);
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

async function fill(count: number, from = 0): Promise<void> {
  await withLedger(async (ledger) => {
    await ledger.describe('clip', { embedDim: 8 });
    const lines = Array.from({ length: count }, (_, i) =>
      ledger.add({
        line: {
          sha256: sha(`content ${from + i}`),
          image: `picture\n${from + i}.png`,
          stamp: `${i}`,
          results: { fast: { text: `text "${from + i}"`, similarity: 0.5 } },
        },
        features: { clip: unitRow(from + i) },
      }),
    );
    await Promise.all(lines);
  });
}

test('results, errors and features are found by name and by content, also by a later run', async () => {
  await fill(50);
  await withLedger(async (ledger) => {
    expect(ledger.size).toEqual({ images: 50, contents: 50 });
    for (const i of [0, 17, 49]) {
      const line = (await ledger.ofImage(`picture\n${i}.png`)) as PictureLine;
      expect(line).toMatchObject({ sha256: sha(`content ${i}`), results: { fast: { text: `text "${i}"` } } });
      expect(await ledger.ofContent(sha(`content ${i}`))).toEqual(line);
      expect(await ledger.features(line, 'clip')).toEqual(asKept(unitRow(i)));
    }
    expect(await ledger.ofImage('another')).toBeUndefined();
  });
});

test('further results stand beside earlier ones; a result takes the place of an error, and an error of a result', async () => {
  await withLedger(async (ledger) => {
    const base = { sha256: sha('x'), image: 'x.png' };
    await ledger.describe('clip', { embedDim: 8 });
    await ledger.add({ line: { ...base, results: { a: { text: 'one' } } }, features: { clip: unitRow(1) } });
    await ledger.add({ line: { ...base, errors: { b: { code: 'ERR_IO', message: 'gone' } } } });
    await ledger.add({ line: { ...base, image: 'twin.png', results: { c: { text: 'three' } } } });
    expect(await ledger.ofContent(base.sha256)).toEqual({
      ...base,
      image: 'twin.png',
      features: { clip: 0 },
      results: { a: { text: 'one' }, c: { text: 'three' } },
      errors: { b: { code: 'ERR_IO', message: 'gone' } },
    });
    await ledger.add({ line: { ...base, results: { b: { text: 'two' } }, errors: { a: { code: 'ERR_IO', message: 'gone' } } } });
    const line = await ledger.ofContent(base.sha256);
    expect([Object.keys(line?.results ?? {}).sort(), Object.keys(line?.errors ?? {})]).toEqual([['b', 'c'], ['a']]);
  });
});

test('cut anywhere, the file loses the torn line alone, and grows on', async () => {
  await fill(20);
  const whole = readFileSync(file());
  const newlines = [...whole.entries()].filter(([, byte]) => byte === 10).map(([at]) => at);
  for (let round = 0; round < 40; round += 1) {
    const cut = randomInt(1, whole.length + 1);
    writeFileSync(file(), whole.subarray(0, cut));
    // The first two lines are no pictures.
    const left = Math.max(0, newlines.filter((at) => at < cut).length - 2);
    await withLedger(async (ledger) => expect([cut, ledger.size.images]).toEqual([cut, left]));
    if (left === 0) continue;
    await fill(3, 100);
    await withLedger(async (ledger) => {
      expect(ledger.size.images).toBe(left + 3);
      const line = (await ledger.ofImage('picture\n101.png')) as PictureLine;
      expect(await ledger.features(line, 'clip')).toEqual(asKept(unitRow(101)));
      const before = (await ledger.ofImage('picture\n0.png')) as PictureLine;
      expect(await ledger.features(before, 'clip')).toEqual(asKept(unitRow(0)));
    });
  }
});

test('flipped bytes lose their lines alone: what is read is what was written, or nothing', async () => {
  await fill(20);
  const whole = readFileSync(file());
  for (let round = 0; round < 60; round += 1) {
    const damaged = Buffer.from(whole);
    const at = randomInt(whole.length);
    damaged[at] = (damaged[at] as number) ^ (1 << randomInt(8));
    writeFileSync(file(), damaged);
    await withLedger(async (ledger) => {
      expect(ledger.size.images).toBeGreaterThanOrEqual(18);
      for await (const line of ledger.pictures()) {
        const number = /\d+/.exec(line.image)?.[0];
        expect(line).toMatchObject({ sha256: sha(`content ${number}`), results: { fast: { text: `text "${number}"`, similarity: 0.5 } } });
      }
    });
  }
});

test('binary rubbish behind the end, and lines that are no JSON, are passed over', async () => {
  await fill(5);
  appendFileSync(file(), Buffer.concat([randomBytes(5000), Buffer.from('\n{"image":1}\n\n{}\nnull\n')]));
  await fill(2, 50);
  await withLedger(async (ledger) => expect(ledger.size.images).toBe(7));
});

test('rows that the disk lost in a power cut count for nothing', async () => {
  await fill(4);
  const rows = path.join(folder, 'features-clip.f16');
  truncateSync(rows, 2 * 16);
  await withLedger(async (ledger) => {
    const row = async (i: number) => ledger.features((await ledger.ofImage(`picture\n${i}.png`)) as PictureLine, 'clip');
    expect(await row(1)).toEqual(asKept(unitRow(1)));
    expect(await row(3)).toBeUndefined();
  });
});

test('pictures() gives the last line of each', async () => {
  await fill(5);
  await fill(5);
  await fill(2, 50);
  await withLedger(async (ledger) => {
    const names: string[] = [];
    for await (const { image } of ledger.pictures()) names.push(image);
    expect(names.sort()).toEqual([0, 1, 2, 3, 4, 50, 51].map((i) => `picture\n${i}.png`).sort());
  });
});
