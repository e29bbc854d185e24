/** `.jsonl`: an object a line. */
import { rowToObject } from '../record';
import { WholeFile } from '../whole-file';
import type { Table } from './table';

export async function openJsonLines(file: string): Promise<Table> {
  const whole = await WholeFile.create(file);
  return {
    write: (row) => whole.write(`${JSON.stringify(rowToObject(row))}\n`),
    finish: () => whole.finish(),
    abandon: () => whole.abandon(),
  };
}
