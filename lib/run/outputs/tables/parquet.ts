/** `.parquet`: a row a picture, in groups of some thousand. */
import { setImmediate } from 'node:timers/promises';
import type { Row } from '../../row';
import { WholeFile } from '../whole-file';
import { columnsOf, PICTURE_COLUMNS } from './columns';
import { RowGroups, type Schema } from './row-groups';
import type { Table, TableOptions } from './table';

/** A piece is encoded in one go, and nothing else runs meanwhile: it has so many rows and characters, or numbers, at most. */
const PIECE_ROWS = 256;
const PIECE_SIZE = 1 << 13;

type ListColumn = { name: string; element: 'STRING' | 'DOUBLE' | 'FLOAT'; of(row: Row): readonly (string | number)[] | null };
type SchemaElement = Schema[number];

export async function openParquet(file: string, options: TableOptions): Promise<Table> {
  const library = await import('hyparquet-writer');
  const columns = [...columnsOf(options), ...PICTURE_COLUMNS];
  const lists = listsOf(options);
  const whole = await WholeFile.create(file);
  const schema: Schema = [
    { name: 'root', num_children: columns.length + lists.length },
    ...columns.map(({ name, type }) => scalar(name, type)),
    ...lists.flatMap(list),
  ];
  const groups = new RowGroups(library, schema, (bytes) => whole.write(bytes));
  let rows: Row[] = [];
  let size = 0;
  const put = async (): Promise<void> => {
    const piece = rows;
    rows = [];
    size = 0;
    const columnData = [...columns, ...lists].map(({ name, of }) => ({ name, data: piece.map((row) => of(row) ?? undefined) }));
    if (piece.length > 0) await groups.add(columnData, piece.length);
  };
  return {
    async write(row) {
      rows.push(row);
      size += sizeOf(row);
      if (rows.length === PIECE_ROWS || size >= PIECE_SIZE) {
        await put();
        await setImmediate();
      }
    },
    async finish() {
      await put();
      await groups.finish();
      await whole.finish();
    },
    abandon: () => whole.abandon(),
  };
}

function sizeOf({ name, texts = [], caption = '', ranked = [], features = new Float32Array() }: Row): number {
  const ofTexts = texts.reduce((sum, { text }) => sum + text.length, name.length + caption.length);
  return ofTexts + features.length + ranked.reduce((sum, { label }) => sum + label.length, 0);
}

function listsOf({ kind, probabilities }: TableOptions): ListColumn[] {
  if (kind === 'features') return [{ name: 'features', element: 'FLOAT', of: ({ features }) => (features ? Array.from(features) : null) }];
  if (kind !== 'rank') return [];
  const likely: ListColumn = {
    name: 'probabilities',
    element: 'DOUBLE',
    of: ({ ranked }) => ranked?.map(({ probability = Number.NaN }) => probability) ?? null,
  };
  return [
    { name: 'labels', element: 'STRING', of: ({ ranked }) => ranked?.map(({ label }) => label) ?? null },
    { name: 'similarities', element: 'DOUBLE', of: ({ ranked }) => ranked?.map(({ similarity }) => similarity) ?? null },
    ...(probabilities ? [likely] : []),
  ];
}

function scalar(name: string, type: 'STRING' | 'DOUBLE' | 'INT32' | 'BOOLEAN' | 'FLOAT'): SchemaElement {
  if (type !== 'STRING') return { name, type, repetition_type: 'OPTIONAL' };
  return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, repetition_type: 'OPTIONAL' };
}

/** The format's own three levels: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
function list({ name, element }: ListColumn): SchemaElement[] {
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    scalar('element', element),
  ];
}
