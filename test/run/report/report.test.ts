/** The page of a run, read as a browser reads it. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DomUtils, parseDocument } from 'htmlparser2';
import type { RowKind } from '../../../lib/run/outputs';
import type { RunSummary } from '../../../lib/run/progress';
import { openReport } from '../../../lib/run/report';
import type { PageRow } from '../../../lib/run/report/page-row';
import type { Row } from '../../../lib/run/row';
import { Random } from '../../fuzz/support/random';
import { HOSTILE, randomRow } from './page-rows';

const PICTURE = path.resolve('models/sample/images/apple.png');
const { getElementById, getElementsByTagName, textContent } = DomUtils;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'report-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Document = ReturnType<typeof parseDocument>;
interface Page {
  html: string;
  document: Document;
  data: { rows: PageRow[]; terms: string[] };
}

async function write(rows: Iterable<Row>, { kind = 'interrogate', summary }: { kind?: RowKind; summary?: RunSummary } = {}): Promise<Page> {
  const file = path.join(folder, 'page.html');
  const report = await openReport(file, { kind });
  for (const row of rows) await report.write(row);
  await report.finish(summary);
  const html = readFileSync(file, 'utf8');
  const document = parseDocument(html);
  return { html, document, data: JSON.parse(textContent(getElementById('rows', document) ?? [])) };
}

const elements = (name: string, within: Document | Parameters<typeof textContent>[0]) =>
  getElementsByTagName(name, within as Document, true);
const cards = ({ document }: Page) => elements('li', document).filter((item) => /^card\b/.test(item.attribs.class ?? ''));
const figures = ({ document }: Page): Record<string, string> => {
  const [list] = elements('dl', document);
  const values = elements('dd', list as never).map((value) => textContent(value));
  return Object.fromEntries(elements('dt', list as never).map((name, i) => [textContent(name), values[i] as string]));
};
const prompt = (name: string, text: string, similarity = 0.25): Row => ({
  name,
  width: 40,
  height: 30,
  texts: [{ mode: 'fast', text, original: text, similarity }],
});

test('texts stay texts, whatever they are', async () => {
  const random = new Random(1);
  const rows = Array.from({ length: 150 }, () => randomRow(random));
  const page = await write(rows);
  const found = cards(page);
  expect(found.map((card) => textContent(elements('h3', card)))).toEqual(rows.map(({ name }) => name));
  for (const [i, { texts = [], error }] of rows.entries()) {
    const paragraphs = elements('p', found[i] as never).map((paragraph) => textContent(paragraph));
    for (const { text } of texts) expect(paragraphs).toContain(text);
    if (error) expect(paragraphs).toContain(error.message);
  }
  const known = new Set(
    'html head meta link title style script body header h1 h2 h3 h4 dl div dt dd main section figure svg rect figcaption'.split(' '),
  );
  for (const each of 'form label input select option p span ul ol li button details summary nav'.split(' ')) known.add(each);
  const strangers = DomUtils.find((node) => DomUtils.isTag(node) && !known.has(node.name), page.document.children, true, 10);
  expect(strangers).toEqual([]);
  expect(elements('script', page.document)).toHaveLength(2);
});

test('rows are in JSON, whatever their texts are', async () => {
  const random = new Random(2);
  const rows = Array.from({ length: 300 }, () => randomRow(random));
  const { data } = await write(rows);
  expect(data.rows.map(({ name }) => name)).toEqual(rows.map(({ name }) => name));
  for (const [i, { ranked, terms = {} }] of rows.entries()) {
    const { bars = [] } = data.rows[i] as PageRow;
    const named = bars.filter((_, place) => place % 3 === 1).map((place) => data.terms[place]);
    const asked = [...(ranked ?? []).slice(0, 20), ...Object.values(terms).flatMap((table) => table.slice(0, 10))];
    expect(named.sort()).toEqual(asked.map(({ label }) => label).sort());
  }
});

test('lone surrogates, NULs, carriage returns and 100,000 characters do no harm', async () => {
  const long = 'long '.repeat(20_000);
  const page = await write([prompt('a\ud800b', 'x\udc00'), prompt('nul\0', 'one\r\ntwo\rthree'), prompt('c', long)]);
  const [first, second, third] = cards(page);
  expect(textContent(elements('h3', first as never))).toBe('a\ufffdb');
  expect(textContent(elements('h3', second as never))).toBe('nul\ufffd');
  expect(textContent(second as never)).toContain('one\r\ntwo\rthree');
  expect(textContent(third as never)).toContain(long);
  expect(page.data.rows.map(({ texts }) => texts?.[1])).toEqual(['x\udc00', 'one\r\ntwo\rthree', long]);
});

test('the page asks nobody for anything, and runs its own script and style alone', async () => {
  const { html, document } = await write([prompt('https://example.com/a.png', 'a'), { ...prompt('b', 'b'), file: Buffer.from(PICTURE) }]);
  const addressed = DomUtils.find((node) => DomUtils.isTag(node), document.children, true, 1e6).flatMap((node) => {
    const { attribs } = node as unknown as { attribs: Record<string, string> };
    expect(Object.keys(attribs).filter((name) => /^on|^style$/.test(name))).toEqual([]);
    return [attribs.src, attribs.href, attribs.action, attribs.srcset, attribs.data].filter((address) => address !== undefined);
  });
  expect(addressed.map((address) => address?.slice(0, 5))).toEqual(['data:', 'data:']);
  const [style] = elements('style', document);
  const script = elements('script', document).find(({ attribs }) => attribs.type === undefined);
  const hash = (element: typeof style) =>
    `'sha256-${createHash('sha256')
      .update(textContent(element as never))
      .digest('base64')}'`;
  expect(textContent(style as never)).not.toMatch(/url\(|@import/);
  expect(elements('meta', document).find((meta) => meta.attribs['http-equiv'] === 'Content-Security-Policy')?.attribs.content).toBe(
    `default-src 'none'; img-src data:; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`,
  );
  expect(html.replaceAll('https://example.com/a.png', '')).not.toMatch(/https?:/);
});

test('counts what came and what failed, by cause', async () => {
  const fail = (name: string, code: string, hint: string): Row => ({ name, error: { code, message: `${name} is wrong`, hint } });
  const few = Array.from({ length: 3 }, (_, i) => fail(`few${i}`, 'ERR_IO', 'Look.'));
  const many = Array.from({ length: 12 }, (_, i) => fail(`many${i}`, 'ERR_IMAGE_CORRUPT', HOSTILE[0] as string));
  const page = await write([...few, ...many, ...Array.from({ length: 1985 }, (_, i) => prompt(`p${i}`, 'p'))]);
  expect(figures(page)).toEqual({ pictures: '2,000', done: '1,985', failed: '15', mode: 'fast' });
  const [causes] = elements('ul', page.document).filter(({ attribs }) => attribs.class === 'causes');
  const headings = elements('h3', causes as never).map((heading) => elements('span', heading).map((span) => textContent(span)));
  expect(headings).toEqual([
    ['ERR_IMAGE_CORRUPT', '12 pictures'],
    ['ERR_IO', '3 pictures'],
  ]);
  expect(textContent(causes as never)).toContain(HOSTILE[0] as string);
  expect(textContent(causes as never)).toContain('and 2 more');
});

test("a run's own summary counts where it is given", async () => {
  const failures = [
    { code: 'ERR_IO', hint: 'Free some space.', count: 1, examples: [{ name: 'a', error: { code: 'ERR_IO', message: 'full' } }] },
  ];
  const counts = {
    total: 5,
    done: 1,
    kept: 0,
    failed: 1,
    skipped: 3,
    encoded: 1,
    rate: 0,
    secondsLeft: null,
    seconds: 17,
    devices: ['cuda:7'],
  };
  const page = await write([prompt('a', 'a'), prompt('b', 'b')], {
    summary: { ...counts, failures, written: [], sidecars: 0, state: null, aborted: false },
  });
  expect(figures(page)).toEqual({ pictures: '2', done: '1', failed: '1', skipped: '3', mode: 'fast' });
  expect(page.html).toContain('Free some space.');
  // What varies from run to run is not told.
  expect(page.html).not.toMatch(/cuda:7|17 s/);
});

test('the histogram has every similarity once', async () => {
  const random = new Random(3);
  const similarities = Array.from({ length: 500 }, () => random.next() * 0.3 + 0.1);
  const { document } = await write(similarities.map((similarity, i) => prompt(`${i}`, 'x', similarity)));
  const counted = elements('rect', document).map((bar) => {
    const [, from, to, count] = /^(\S+) to (\S+): (\d+)$/.exec(textContent(bar)) ?? [];
    return { from: Number(from), to: Number(to), count: Number(count), height: Number(bar.attribs.height) };
  });
  expect(counted.length).toBeGreaterThan(10);
  const places = similarities.map((similarity) => Math.round((Math.round(similarity * 1e4) / 1e4 + 1) * 1000));
  for (const { from, to, count } of counted) {
    const [first, end] = [Math.round((from + 1) * 1000), Math.round((to + 1) * 1000)];
    expect(count).toBe(places.filter((place) => place >= first && place < end).length);
  }
  expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(500);
  const most = counted.reduce((a, b) => (a.count > b.count ? a : b));
  for (const { count, height } of counted) expect(height).toBeCloseTo(Math.max(1, (100 * count) / most.count), 0);
});

test('the first 200 rows stand in the page, all of them in its JSON', async () => {
  const page = await write(Array.from({ length: 450 }, (_, i) => prompt(`p${i}`, `text ${i}`)));
  expect(cards(page)).toHaveLength(200);
  expect(page.data.rows).toHaveLength(450);
  const [note] = elements('noscript', page.document);
  expect(textContent(note as never)).toContain('The first 200');
});

test('files have thumbnails, in their order; what is gone or no picture has none', async () => {
  const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.png')]);
  copyFileSync(PICTURE, odd);
  const text = path.join(folder, 'text.png');
  writeFileSync(text, 'no picture');
  const files = [PICTURE, undefined, odd, path.join(folder, 'gone.png'), text, path.resolve('models/sample/images/rocket.png')];
  const page = await write(files.map((file, i) => ({ ...prompt(`p${i}`, 'x'), ...(file !== undefined && { file: Buffer.from(file) }) })));
  const images = cards(page).map((card) => elements('img', card).map(({ attribs }) => attribs.src as string)[0]);
  expect(images.map((image) => image?.slice(0, 23))).toEqual([JPEG, undefined, JPEG, undefined, undefined, JPEG]);
  expect(images[2]).toBe(images[0]);
  expect(images[5]).not.toBe(images[0]);
  // The cards have them.
  expect(page.data.rows.some(({ thumbnail }) => thumbnail !== undefined)).toBe(false);
});
const JPEG = 'data:image/jpeg;base64,';

test('behind the first 2,000 pictures, rows have no thumbnail and the best of their terms', async () => {
  const terms = {
    mediums: [
      { label: 'a', similarity: 0.2 },
      { label: 'b', similarity: 0.1 },
    ],
  };
  const row = (i: number): Row => ({ ...prompt(`p${i}`, 'x'), terms, ...((i === 300 || i > 1998) && { file: Buffer.from(PICTURE) }) });
  const { data } = await write(Array.from({ length: 2002 }, (_, i) => row(i)));
  const imaged = data.rows.flatMap(({ name, thumbnail }) => (thumbnail?.startsWith(JPEG) ? [name] : []));
  expect(imaged).toEqual(['p300', 'p1999']);
  expect([data.rows[1999]?.bars?.length, data.rows[2000]?.bars?.length]).toEqual([6, 3]);
});

test.each<[RowKind, Row]>([
  ['rank', { name: 'a', width: 4, height: 3, ranked: [{ label: 'cat', similarity: 0.3, probability: 0.753 }] }],
  ['features', { name: 'a', width: 4, height: 3, features: new Float32Array(8) }],
])('of %s, a card has what there is', async (kind, row) => {
  const page = await write([row], { kind });
  expect(textContent(cards(page) as never)).toBe(kind === 'rank' ? 'a4 × 3similarity 0.300Labelcat75.3 %' : 'a4 × 3');
  expect(elements('option', page.document).length).toBe(kind === 'rank' ? 4 : 2);
});

test('a run without pictures has a page', async () => {
  const page = await write([]);
  expect(page.data).toEqual({ rows: [], terms: [] });
  expect(figures(page)).toEqual({ pictures: '0', done: '0', failed: '0' });
});

test('the same rows give the same bytes', async () => {
  const rows = (): Row[] => Array.from({ length: 20 }, (_, i) => ({ ...randomRow(new Random(4, i)), file: Buffer.from(PICTURE) }));
  const { html } = await write(rows());
  expect((await write(rows())).html).toBe(html);
});

test('an abandoned page leaves what was there, and nothing else', async () => {
  const file = path.join(folder, 'page.html');
  writeFileSync(file, 'old');
  const report = await openReport(file, { kind: 'interrogate' });
  for (let i = 0; i < 10; i += 1) await report.write({ ...prompt('p', 'x'), file: Buffer.from(PICTURE) });
  await report.abandon();
  expect(readdirSync(folder)).toEqual(['page.html']);
  expect(readFileSync(file, 'utf8')).toBe('old');
});
