/** Tables on a terminal: no line is wider than it, and no number is cut. */
import stringWidth from 'string-width';
import { tableLines } from '../../lib/cli/run/table-lines';
import { Random } from '../fuzz/support/random';

const PIECES = [
  'a',
  'picture',
  ' ',
  '写真',
  '火',
  '👩‍👩‍👧',
  'é',
  '-',
  '\x1b[31m',
  '\n',
  'a very long name without any blanks in it at all',
];

test.each([1, 2, 3, 4, 5, 6])('lines fit 80 and 200 columns (%i)', (seed) => {
  const random = new Random(seed);
  const text = (): string => Array.from({ length: random.below(30) }, () => random.pick(PIECES)).join('');
  const columns = ['pictures', 'similarity', 'names', 'nearest'].map((title, i) => ({ title, isNumber: i < 2 }));
  const rows = Array.from({ length: 20 }, () => [
    String(random.below(100_000)),
    (random.below(10_000) / 10_000).toFixed(4),
    text(),
    text(),
  ]);
  const table = { title: 'Title', note: 'Some words that say what it is about. '.repeat(5).trim(), columns, rows, more: 1234 };
  for (const width of [80, 200]) {
    const lines = tableLines(table, width);
    for (const line of lines) {
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
      expect(line).not.toMatch(/[\x00-\x1f]/);
    }
    expect(lines.slice(-2)).toEqual(['  and 1,234 more', '']);
    const body = lines.slice(-2 - rows.length, -2);
    for (const [i, [first, second]] of rows.entries()) expect(body[i]?.trim().split(/\s+/).slice(0, 2)).toEqual([first, second]);
  }
});

test('where there is room nothing is cut, and columns stand below each other', () => {
  const columns = [
    { title: 'n', isNumber: true },
    { title: 'picture', isNumber: false },
    { title: 'caption', isNumber: false },
  ];
  const table = {
    title: 'T',
    note: 'N.',
    columns,
    rows: [
      ['1', '写真.png', 'x'],
      ['10', 'b', 'long caption'],
    ],
    more: 0,
  };
  expect(tableLines(table, Number.POSITIVE_INFINITY)).toEqual([
    'T',
    '  N.',
    '   n  picture   caption',
    '   1  写真.png  x',
    '  10  b         long caption',
    '',
  ]);
  expect(tableLines({ ...table, rows: [['1', 'abcdefghijkl', 'a caption']] }, 24)[3]).toBe('  1  abcdefg…  a caption');
});
