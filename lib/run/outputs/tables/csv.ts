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
  /** Pictures that failed before the first that did not: the number of features is not known yet. */
  const early: Row[] = [];
  let begun = false;
  const begin = async (row?: Row): Promise<void> => {
    if (!begun) await whole.write(line(header(row)));
    begun = true;
  };
  return {
    async write(row) {
      if (options.kind === 'features' && !row.features && !begun) return void early.push(row);
      await begin(row);
      for (const each of [...early.splice(0), row]) for (const values of records(each)) await whole.write(line(values));
    },
    async finish() {
      await begin();
      for (const each of early.splice(0)) for (const values of records(each)) await whole.write(line(values));
      await whole.finish();
    },
    abandon: () => whole.abandon(),
  };
}

type Layout = [header: (first: Row | undefined) => string[], records: (row: Row) => Value[][]];

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
    return [() => [...names, ...own], records];
  }
  if (options.kind === 'features') {
    let width = 0;
    return [
      (first) => {
        width = first?.features?.length ?? 0;
        return [...names, ...Array.from({ length: width }, (_, i) => `f${i}`)];
      },
      (row) => [[...values(row), ...(row.features ? Array.from(row.features) : Array(width).fill(null))]],
    ];
  }
  return [() => names, (row) => [values(row)]];
}

/** Python's readers take these words for truth. */
function shown(value: Value): string | number | null {
  return typeof value === 'boolean' ? (value ? 'true' : 'false') : value;
}
