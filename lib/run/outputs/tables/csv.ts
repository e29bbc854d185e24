/** `.csv` and `.tsv`: UTF-8, quoted as RFC 4180 has it. Of rankings a line a label. */
import type { Row } from '../../row';
import { WholeFile } from '../whole-file';
import { columnsOf, PICTURE_COLUMNS } from './columns';
import type { Table, TableOptions } from './table';

type Value = string | number | boolean | null;

export async function openCsv(file: string, options: TableOptions): Promise<Table> {
  const { stringify } = require('csv-stringify/sync') as typeof import('csv-stringify/sync');
  const delimiter = /\.tsv$/i.test(file) ? '\t' : ',';
  const line = (values: readonly Value[]): string =>
    stringify([values.map(shown)], { delimiter, record_delimiter: '\r\n', quoted_match: /[\r\n\u2028\u2029]|^[\s]|[\s]$/ });
  const whole = await WholeFile.create(file);
  const [header, records] = layoutOf(options);
  await whole.write(line(header));
  return {
    async write(row) {
      for (const values of records(row)) await whole.write(line(values));
    },
    finish: () => whole.finish(),
    abandon: () => whole.abandon(),
  };
}

type Layout = [header: string[], records: (row: Row) => Value[][]];

function layoutOf(options: TableOptions): Layout {
  const columns = [...columnsOf(options), ...PICTURE_COLUMNS];
  const names = columns.map(({ name }) => name);
  const values = (row: Row): Value[] => columns.map((column) => column.of(row));
  if (options.kind === 'rank') {
    const own = ['rank', 'label', 'similarity', ...(options.probabilities ? ['probability'] : [])];
    const records = (row: Row): Value[][] => {
      const ranked = row.ranked?.map(({ label, similarity, probability }, i) => [
        i + 1,
        label,
        similarity,
        ...(options.probabilities ? [probability ?? null] : []),
      ]);
      return (ranked ?? [own.map(() => null)]).map((each) => [...values(row), ...each]);
    };
    return [[...names, ...own], records];
  }
  if (options.kind === 'features') {
    const { embedDim } = options;
    return [
      [...names, ...Array.from({ length: embedDim }, (_, i) => `f${i}`)],
      (row) => [[...values(row), ...(row.features ? Array.from(row.features) : Array(embedDim).fill(null))]],
    ];
  }
  return [names, (row) => [values(row)]];
}

/** Python's readers take these words for truth. */
function shown(value: Value): string | number | null {
  return typeof value === 'boolean' ? (value ? 'true' : 'false') : value;
}
