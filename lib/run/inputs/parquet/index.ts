/** The pictures in a column of a parquet file, a row each. */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { InterrogatorError } from '../../../api';
import type { Picture } from '../../picture';
import { addressPicture } from '../address';
import { failedPicture, stampOf, systemReason } from '../file-picture';
import { shownPath } from '../shown-path';
import type { Table } from '../tables/table';
import type { Batch, Cell, Fault, Opened, WorkerData } from './messages';

export const PARQUET_NAME = /\.parquet$/i;

/** In memory are one page of the column, and 4 MiB of images or one that is larger. */
export function parquetTable(file: Buffer): Table {
  return { address: file, pictures: (signal) => parquetPictures(file, signal), count: (signal) => countRows(file, signal) };
}

async function* parquetPictures(file: Buffer, signal: AbortSignal | undefined): AsyncGenerator<Picture> {
  const name = shownPath(file);
  let row = 0;
  let reader: Reader | undefined;
  try {
    const found = await stat(file, { bigint: true });
    if (!found.isFile()) throw new InterrogatorError('ERR_IO', `${name} is not a file, which parquet must be.`);
    const stamp = stampOf(found);
    reader = openReader(file);
    const { fault } = (await reader.opened(signal)) as Opened;
    if (fault) throw errorOf(name, fault);
    for (let isLast = false; !isLast; ) {
      const batch = await reader.next(signal);
      isLast = batch.isLast;
      for (const cell of batch.cells) {
        yield cellPicture(`${name}#${row}`, cell, `${stamp}:${row}`);
        row += 1;
      }
      if (batch.fault) throw errorOf(name, batch.fault, row);
    }
  } catch (cause) {
    if (!signal?.aborted) yield failedPicture(name, readError(name, cause));
  } finally {
    await reader?.close();
  }
}

/** Of a file that cannot be read there is one picture, which fails. */
async function countRows(file: Buffer, signal: AbortSignal | undefined): Promise<number> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return 1;
  const reader = openReader(file);
  try {
    const { count = 1 } = await reader.opened(signal);
    return count;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    return 1;
  } finally {
    await reader.close();
  }
}

interface Reader {
  opened(signal: AbortSignal | undefined): Promise<Opened>;
  next(signal: AbortSignal | undefined): Promise<Batch>;
  close(): Promise<unknown>;
}

function openReader(file: Buffer): Reader {
  const data: WorkerData = { file: file.toString('latin1') };
  const worker = new Worker(require.resolve('./parquet-worker'), { name: 'torch-interrogator-parquet', workerData: data });
  const ended = once(worker, 'exit').then(([code]) => {
    throw new Error(`its thread ended with code ${code}`);
  });
  ended.catch(() => {});
  const answer = async (signal: AbortSignal | undefined): Promise<unknown> => {
    worker.ref();
    const [message] = await Promise.race([once(worker, 'message', { signal }), ended]);
    // While nobody asks, it does not keep the process.
    worker.unref();
    return message;
  };
  return {
    opened: (signal) => answer(signal) as Promise<Opened>,
    next: (signal) => {
      const message = answer(signal) as Promise<Batch>;
      worker.postMessage('next');
      return message;
    },
    close: () => worker.terminate(),
  };
}

function cellPicture(name: string, cell: Cell, stamp: string): Picture {
  if (!cell) return failedPicture(name, new InterrogatorError('ERR_IMAGE_EMPTY', `${name} has no image`));
  if ('address' in cell) return addressPicture(bufferOf(cell.address), name);
  const bytes = bufferOf(cell.bytes);
  return { name, bytes: bytes.length, stamp: async () => stamp, open: async () => bytes };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** `row`: the first of those that are not there. */
function errorOf(name: string, { code, message, hint }: Fault, row?: number): InterrogatorError {
  const where = row === undefined ? '' : ` (from row ${row})`;
  return new InterrogatorError(code, `${name}${where} ${message}`, hint === undefined ? {} : { hint });
}

function readError(name: string, cause: unknown): InterrogatorError {
  if (cause instanceof InterrogatorError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no file ${name}`, { hint: 'Check the path.', cause });
  }
  return new InterrogatorError('ERR_IO', `${name} cannot be read: ${systemReason(cause)}`, { cause });
}
