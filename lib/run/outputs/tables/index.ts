/** Tables by the name of their file. */
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError } from '../../../errors';
import { outputFault } from '../../disk-fault';
import type { RowKind } from '../record';
import { openCsv } from './csv';
import { openJsonLines } from './json-lines';
import { openParquet } from './parquet';
import type { Table, TableOptions } from './table';
import { openImageFolder, openKohya, openText } from './training';
import { openWebDataset } from './web-dataset';

export { PictureFault, type Table, type TableOptions } from './table';

type Format = 'json lines' | 'csv' | 'parquet' | 'imagefolder' | 'kohya' | 'text' | 'webdataset';

const FORMATS: Readonly<Record<string, Format>> = {
  '.jsonl': 'json lines',
  '.ndjson': 'json lines',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.parquet': 'parquet',
  '.json': 'kohya',
  '.txt': 'text',
  '.tar': 'webdataset',
};

/** Of texts alone. */
const TRAINERS: readonly Format[] = ['imagefolder', 'kohya', 'text', 'webdataset'];

/**
 * Finds out before any picture is worked on whether the table can be written at the end. Rejects with ERR_INVALID_ARGUMENT for a name of no
 * known format, or of one that has no room for the kind of rows; with ERR_IO for a place that takes no files.
 */
export async function checkTable(file: string, kind: RowKind): Promise<void> {
  checkTableName(file, kind);
  await checkPlace(file);
}

/** Throws ERR_INVALID_ARGUMENT for a name of no known format, or of one that has no room for the kind of rows. */
export function checkTableName(file: string, kind: RowKind): void {
  const format = formatOf(file);
  if (kind === 'features' && TRAINERS.includes(format)) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `out: ${file} has no room for features.`, {
      hint: 'Write a .jsonl, .csv or .parquet file.',
    });
  }
}

/** Rejects with ERR_IO where no file can be put. */
export async function checkPlace(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw outputFault(file, { code: 'EISDIR' });
  // The nearest folder that is there takes the others.
  for (let folder = path.dirname(path.resolve(file)); ; folder = path.dirname(folder)) {
    const error = await access(folder, constants.W_OK).then(
      () => undefined,
      (cause: NodeJS.ErrnoException) => cause,
    );
    if (!error) return;
    if (error.code !== 'ENOENT' || path.dirname(folder) === folder) throw outputFault(file, error);
  }
}

/** Rejects as checkTable() does. */
export async function openTable(file: string, options: TableOptions): Promise<Table> {
  switch (formatOf(file)) {
    case 'json lines':
      return openJsonLines(file);
    case 'csv':
      return openCsv(file, options);
    case 'parquet':
      return openParquet(file, options);
    case 'imagefolder':
      return openImageFolder(file);
    case 'kohya':
      return openKohya(file);
    case 'text':
      return openText(file);
    case 'webdataset':
      return openWebDataset(file);
  }
}

function formatOf(file: string): Format {
  if (path.basename(file).toLowerCase() === 'metadata.jsonl') return 'imagefolder';
  const format = FORMATS[path.extname(file).toLowerCase()];
  if (format) return format;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `out: ${file} is of no known format.`, {
    hint: `Known are ${Object.keys(FORMATS).join(', ')}, and metadata.jsonl for the hub's ImageFolder.`,
  });
}
