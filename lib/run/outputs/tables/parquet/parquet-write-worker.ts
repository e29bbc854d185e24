/** The thread that encodes a parquet file: a group of rows takes it tenths of a second. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ParquetWriter } from 'hyparquet-writer' with { 'resolution-mode': 'import' };
import type { Asked, ColumnSpec, ScalarType, Value, WriterData } from './messages';

/** A group is in memory until it is written: it has so many rows, and characters or numbers, at most. */
const GROUP_ROWS = 8192;
const GROUP_SIZE = 1 << 22;

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

async function open({ columns }: WriterData): Promise<(asked: Asked) => Uint8Array<ArrayBuffer>> {
  const { ByteWriter, ParquetWriter: Writer } = await import('hyparquet-writer');
  const writer = new ByteWriter();
  const schema = [{ name: 'root', num_children: columns.length }, ...columns.flatMap(elementsOf)];
  const parquet = new Writer({ writer, schema });
  let group: (readonly Value[])[] = [];
  let size = 0;
  const put = (): void => {
    if (group.length === 0) return;
    parquet.write({ columnData: columns.map((column, i) => columnData(column, group, i)), rowGroupSize: GROUP_ROWS });
    group = [];
    size = 0;
  };
  return (asked) => {
    if (asked === 'end') {
      put();
      parquet.finish();
    } else {
      for (const row of asked.rows) {
        group.push(row);
        size += row.reduce((sum: number, value) => sum + sizeOf(value), 0);
        if (group.length === GROUP_ROWS || size >= GROUP_SIZE) put();
      }
    }
    const bytes = new Uint8Array(writer.buffer.slice(0, writer.index));
    writer.index = 0;
    return bytes;
  };
}

function sizeOf(value: Value): number {
  if (typeof value === 'string' || value instanceof Float32Array) return value.length;
  if (!Array.isArray(value)) return 1;
  return value.reduce((sum: number, each: string | number) => sum + (typeof each === 'string' ? each.length : 1), 0);
}

function columnData({ name, type, isList }: ColumnSpec, rows: readonly (readonly Value[])[], place: number) {
  const data = rows.map((row) => {
    const value = row[place] ?? undefined;
    return value instanceof Float32Array ? Array.from(value) : value;
  });
  // A dictionary of numbers that hardly come twice costs more than all the rest.
  return { name, data, ...(isList && type === 'FLOAT' && { encoding: 'PLAIN' as const }) };
}

/** The format's own three levels of a list: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists */
function elementsOf({ name, type, isList }: ColumnSpec): SchemaElement[] {
  if (!isList) return [scalar(name, type)];
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    scalar('element', type),
  ];
}

function scalar(name: string, type: ScalarType): SchemaElement {
  if (type !== 'STRING') return { name, type, repetition_type: 'OPTIONAL' };
  return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, repetition_type: 'OPTIONAL' };
}

const opened = open(workerData as WriterData);
parentPort?.on('message', async (asked: Asked) => {
  const bytes = (await opened)(asked);
  parentPort?.postMessage({ bytes }, [bytes.buffer]);
});
