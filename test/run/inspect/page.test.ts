/** The page and the tables of an inspection hold whatever pictures are called, and ask for nothing from elsewhere. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Parser } from 'htmlparser2';
import { type Inspection, inspectionTables, writeInspection } from '../../../lib';

const NASTY = `<script>alert("1")</script>&amp;'><img src=x onerror=alert(2)>.png`;

function inspectionOf(names: readonly string[]): Inspection {
  const [first = '', second = ''] = names;
  return {
    folder: NASTY,
    state: '/set/.torch-interrogator',
    base: '/set',
    clipModel: NASTY,
    pictures: { known: 9, gone: 1, changed: 1, withoutFeatures: 1, inspected: 7, contents: 5 },
    duplicates: [{ sha256: '0'.repeat(64), pictures: names }],
    nearDuplicates: { threshold: 0.975, groups: [{ similarity: 0.98, contents: 2, pictures: names }] },
    outliers: { mean: 0.5, deviation: 0.1, pictures: [{ image: first, similarity: 0.3, nearest: second, deviations: 2 }] },
    captions: {
      extension: '.txt',
      scored: 1,
      missing: 1,
      empty: 1,
      mean: 0.2,
      deviation: 0.1,
      worst: [{ image: second, caption: NASTY, similarity: 0.1, deviations: -1 }],
    },
    terms: {
      of: 'texts',
      pictures: 7,
      distinct: 1,
      single: 0,
      shared: [{ term: NASTY, pictures: 7, share: 1 }],
      common: [{ term: NASTY, pictures: 7, share: 1 }],
      rare: [{ term: NASTY, pictures: 7, share: 1 }],
    },
    coverage: { effectiveTerms: 1, meanSimilarity: 0.4 },
  };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'page-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a page has the cells of the tables as text, and no element of a name', async () => {
  const file = path.join(folder, 'page.html');
  const inspection = inspectionOf([NASTY, 'b.png']);
  await writeInspection(file, inspection);
  expect(readdirSync(folder)).toEqual(['page.html']);

  const cells: string[] = [];
  const elements = new Set<string>();
  const attributes = new Set<string>();
  let isCell = false;
  const parser = new Parser({
    onopentag(name, own) {
      elements.add(name);
      for (const attribute of Object.keys(own)) attributes.add(attribute);
      isCell = name === 'td';
      if (isCell) cells.push('');
    },
    ontext(text) {
      if (isCell) cells.push((cells.pop() ?? '') + text);
    },
    onclosetag() {
      isCell = false;
    },
  });
  parser.end(readFileSync(file, 'utf8'));
  expect(cells).toEqual(inspectionTables(inspection, 100).flatMap(({ rows }) => rows.flat()));
  for (const element of ['script', 'img', 'link', 'iframe']) expect(elements).not.toContain(element);
  for (const attribute of ['src', 'href', 'onerror']) expect(attributes).not.toContain(attribute);
});

test('tables show so many rows and names, and tell of the rest', () => {
  const names = Array.from({ length: 7 }, (_, i) => `${i}.png`);
  const inspection = inspectionOf(names);
  const many = {
    ...inspection,
    duplicates: Array.from({ length: 5 }, () => inspection.duplicates[0] as (typeof inspection.duplicates)[0]),
  };
  const table = inspectionTables(many, 3).find(({ title }) => title === 'Duplicates');
  expect(table).toMatchObject({ more: 2, note: 'The same content, byte for byte: 30 pictures could go.' });
  expect(table?.rows).toEqual(Array.from({ length: 3 }, () => ['7', '0.png · 1.png · 2.png · and 4 more']));
});

test('tables of one end of an order tell of no rest', () => {
  const inspection = inspectionOf(['a.png', 'b.png']);
  const { outliers, terms } = inspection;
  const outlier = outliers.pictures[0] as (typeof outliers.pictures)[0];
  const many = {
    ...inspection,
    outliers: { ...outliers, pictures: [outlier, outlier] },
    terms: { ...terms, rare: [...terms.rare, ...terms.rare] },
  };
  const shown = inspectionTables(many, 1).filter(({ title }) => ['Unlike all others', 'Rare terms'].includes(title));
  expect(shown.map(({ rows, more }) => [rows.length, more])).toEqual([
    [1, 0],
    [1, 0],
  ]);
});

test('a set without anything to tell has tables that say so', () => {
  const empty: Inspection = {
    ...inspectionOf([]),
    duplicates: [],
    nearDuplicates: { threshold: 0.975, groups: [] },
    outliers: { mean: null, deviation: null, pictures: [] },
    captions: { extension: '.txt', scored: 0, missing: 0, empty: 0, mean: null, deviation: null, worst: [] },
    terms: { of: null, pictures: 0, distinct: 0, shared: [], common: [], rare: [], single: 0 },
    coverage: { effectiveTerms: null, meanSimilarity: null },
  };
  const [, ...tables] = inspectionTables(empty, 10);
  expect(tables.map(({ rows }) => rows)).toEqual(tables.map(() => []));
  for (const { note } of tables) expect(note).toMatch(/^(No|There) /);
});
