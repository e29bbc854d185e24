/** `.parquet`: a row a picture, encoded in a thread of its own. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { outputFault } from '../../../disk-fault';
import type { Row } from '../../../row';
import { WholeFile } from '../../whole-file';
import { type Column, columnsOf, PICTURE_COLUMNS } from '../columns';
import type { Table, TableOptions } from '../table';
import type { Asked, ColumnSpec, Value, WriterData, Written } from './messages';

/** Rows go to the thread in parcels. */
const PARCEL_ROWS = 32;

interface ParquetColumn extends ColumnSpec {
  of(row: Row): Value;
}

export async function openParquet(file: string, options: TableOptions): Promise<Table> {
  const columns: readonly ParquetColumn[] = [...[...columnsOf(options), ...PICTURE_COLUMNS].map(alone), ...listsOf(options)];
  const whole = await WholeFile.create(file);
  const encoder = openEncoder({ columns: columns.map(({ name, type, isList }) => ({ name, type, isList })) });
  const ask = (asked: Asked): Promise<Uint8Array> =>
    encoder.ask(asked).catch((cause) => {
      throw outputFault(file, cause);
    });
  let rows: Value[][] = [];
  const put = async (): Promise<void> => {
    if (rows.length > 0) await whole.write(await ask({ rows: rows.splice(0) }));
  };
  return {
    async write(row) {
      rows.push(columns.map(({ of }) => of(row)));
      if (rows.length >= PARCEL_ROWS) await put();
    },
    async finish() {
      await put();
      await whole.write(await ask('end'));
      await encoder.close();
      await whole.finish();
    },
    async abandon() {
      rows = [];
      await encoder.close();
      await whole.abandon();
    },
  };
}

function openEncoder(data: WriterData) {
  const worker = new Worker(require.resolve('./parquet-write-worker'), { name: 'torch-interrogator-parquet', workerData: data });
  worker.unref();
  return {
    /** One after the other. Resolves with what is to be written next; rejects with what the thread fails with. */
    async ask(asked: Asked): Promise<Uint8Array> {
      // While nobody waits, it does not keep the process.
      worker.ref();
      const answer = once(worker, 'message');
      worker.postMessage(asked);
      const [{ bytes }] = (await answer) as [Written];
      worker.unref();
      return bytes;
    },
    close: () => worker.terminate(),
  };
}

function alone({ name, type, of }: Column): ParquetColumn {
  return { name, type, isList: false, of };
}

function listsOf({ kind, probabilities }: TableOptions): ParquetColumn[] {
  if (kind === 'features') return [{ name: 'features', type: 'FLOAT', isList: true, of: ({ features }) => features ?? null }];
  if (kind !== 'rank') return [];
  const likely: ParquetColumn = {
    name: 'probabilities',
    type: 'DOUBLE',
    isList: true,
    of: ({ ranked }) => ranked?.map(({ probability = Number.NaN }) => probability) ?? null,
  };
  return [
    { name: 'labels', type: 'STRING', isList: true, of: ({ ranked }) => ranked?.map(({ label }) => label) ?? null },
    { name: 'similarities', type: 'DOUBLE', isList: true, of: ({ ranked }) => ranked?.map(({ similarity }) => similarity) ?? null },
    ...(probabilities ? [likely] : []),
  ];
}
