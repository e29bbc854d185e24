/** `.parquet`: a row a picture, in groups, so that little is in memory. */
import { setImmediate } from 'node:timers/promises';
import type { ParquetWriter } from 'hyparquet-writer';
import type { Row } from '../../row';
import { WholeFile } from '../whole-file';
import { columnsOf, PICTURE_COLUMNS } from './columns';
import type { Table, TableOptions } from './table';

/** A group is encoded in one go, and nothing else runs meanwhile: it has so many rows and characters, or numbers, at most. */
const GROUP_ROWS = 256;
const GROUP_SIZE = 1 << 14;

type ListColumn = { name: string; element: 'STRING' | 'DOUBLE' | 'FLOAT'; of(row: Row): readonly (string | number)[] | null };
type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

export async function openParquet(file: string, options: TableOptions): Promise<Table> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer');
  const columns = [...columnsOf(options), ...PICTURE_COLUMNS];
  const lists = listsOf(options);
  const whole = await WholeFile.create(file);
  const writer = Object.assign(new ByteWriter(), {
    async flush() {
      const bytes = writer.buffer.slice(0, writer.index);
      writer.index = 0;
      await whole.write(new Uint8Array(bytes));
    },
  });
  const schema = [
    { name: 'root', num_children: columns.length + lists.length },
    ...columns.map(({ name, type }): SchemaElement => scalar(name, type)),
    ...lists.flatMap(list),
  ];
  const parquet = new ParquetWriter({ writer, schema });
  let rows: Row[] = [];
  let size = 0;
  const put = async (): Promise<void> => {
    if (rows.length === 0) return;
    const columnData = [...columns, ...lists].map(({ name, of }) => ({
      name,
      data: rows.map((row) => of(row) ?? undefined),
      // A dictionary of numbers that hardly come twice costs more than all the rest.
      ...(options.kind === 'features' && { encoding: 'PLAIN' as const }),
    }));
    rows = [];
    size = 0;
    await parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
  };
  return {
    async write(row) {
      rows.push(row);
      size += sizeOf(row);
      if (rows.length === GROUP_ROWS || size >= GROUP_SIZE) {
        await put();
        await setImmediate();
      }
    },
    async finish() {
      await put();
      await parquet.finish();
      await writer.flush();
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
