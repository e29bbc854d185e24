/** The thread that reads a parquet file: to decompress a page may take a second. It says how many rows there are, and gives some for each message. */
import { parentPort, workerData } from 'node:worker_threads';
import type { FileMetaData, SchemaTree } from 'hyparquet' with { 'resolution-mode': 'import' };
import { COLUMN_HINT, describeColumns, findColumn, type ImageColumn } from './column';
import { type FileBytes, openBytes } from './file-bytes';
import type { Batch, Cell, Fault, Opened, WorkerData } from './messages';
import type { Library } from './page';
import { columnValues } from './pages';

const BATCH_BYTES = 4 << 20;
const BATCH_ROWS = 256;

/** What goes wrong in a way of its own; everything else is damage. */
class KnownFault extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message);
  }
}

function fail(fault: Fault): never {
  throw new KnownFault(fault);
}

/** Messages say what is wrong with the file, which the asking side names. */
function faultOf(error: unknown): Fault {
  if (error instanceof KnownFault) return error.fault;
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall) return { code: 'ERR_IO', message: `cannot be read: ${code}` };
  return { code: 'ERR_IO', message: `is damaged: ${message}`, hint: 'Copy or download it again.' };
}

const MAGIC = 'PAR1';

function checkMagic(file: FileBytes): void {
  const [start, end] = [0, Math.max(0, file.byteLength - 4)].map((at) =>
    Buffer.from(file.read(at, Math.min(at + 4, file.byteLength))).toString('latin1'),
  );
  if (start === MAGIC && end === MAGIC && file.byteLength >= 12) return;
  if (start === MAGIC) fail({ code: 'ERR_IMAGE_TRUNCATED', message: 'breaks off before its end', hint: 'Copy or download it again.' });
  fail({ code: 'ERR_IMAGE_FORMAT', message: `is no parquet file: it begins with ${JSON.stringify(start)}` });
}

function* cellsOf(library: Library, file: FileBytes, metadata: FileMetaData, leaves: Leaves): Generator<Cell> {
  for (const { columns, num_rows: rows } of metadata.row_groups) {
    const valuesOf = (path: SchemaTree[] | undefined): Generator<Uint8Array | undefined> | undefined => {
      if (!path) return undefined;
      const key = path.at(-1)?.path.join('\0');
      const chunk = columns.find(({ meta_data: data }) => data?.path_in_schema.join('\0') === key);
      if (!chunk?.meta_data) throw new Error('a row group lacks the column of images');
      if (chunk.file_path) throw new Error(`its column of images is in another file, ${chunk.file_path}`);
      return columnValues(library, file, chunk.meta_data, path);
    };
    const [bytes, addresses] = [valuesOf(leaves.bytes), valuesOf(leaves.address)];
    for (let row = 0; row < Number(rows); row++) {
      const found = bytes?.next();
      const address = addresses?.next();
      if (found?.done || address?.done) throw new Error('a row group has fewer images than rows');
      if (found?.value) yield { bytes: found.value.slice() };
      else yield address?.value ? { address: address.value.slice() } : null;
    }
  }
}

type Leaves = { [K in keyof ImageColumn]: SchemaTree[] };

async function open(): Promise<{ count: number; cells: Generator<Cell> }> {
  const file = openBytes(Buffer.from((workerData as WorkerData).file, 'latin1'));
  checkMagic(file);
  const [{ parquetMetadataAsync, parquetSchema }, column, pages, convert, schemas, { compressors }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet/src/column.js'),
    import('hyparquet/src/datapage.js'),
    import('hyparquet/src/convert.js'),
    import('hyparquet/src/schema.js'),
    import('hyparquet-compressors'),
  ]);
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const schema = parquetSchema(metadata);
  const found = findColumn(schema);
  if (!found) {
    fail({
      code: 'ERR_IMAGE_NOT_FOUND',
      message: `has no column of images: it has ${describeColumns(schema) || 'none'}`,
      hint: COLUMN_HINT,
    });
  }
  const count = metadata.row_groups.reduce((sum, { num_rows: rows }) => sum + Number(rows), 0);
  if (count === 0) fail({ code: 'ERR_IMAGE_NOT_FOUND', message: 'has no rows' });
  const { getTreePath } = schemas;
  const leaves: Leaves = {};
  for (const kind of ['bytes', 'address'] as const) if (found[kind]) leaves[kind] = getTreePath(schema, found[kind]);
  return { count, cells: cellsOf({ ...column, ...pages, ...convert, ...schemas, compressors }, file, metadata, leaves) };
}

function nextBatch(all: Generator<Cell>): Batch {
  const cells: Cell[] = [];
  try {
    for (let bytes = 0; bytes < BATCH_BYTES && cells.length < BATCH_ROWS; ) {
      const { done, value } = all.next();
      if (done) return { cells, isLast: true };
      cells.push(value);
      if (value && 'bytes' in value) bytes += value.bytes.length;
    }
    return { cells, isLast: false };
  } catch (error) {
    return { cells, fault: faultOf(error), isLast: true };
  }
}

function send(message: Opened | Batch): void {
  const cells = 'cells' in message ? message.cells : [];
  parentPort?.postMessage(
    message,
    cells.flatMap((cell) => (cell ? [('bytes' in cell ? cell.bytes : cell.address).buffer] : [])),
  );
}

open().then(
  ({ count, cells }) => {
    parentPort?.on('message', () => send(nextBatch(cells)));
    send({ count });
  },
  (error) => send({ fault: faultOf(error) }),
);
