/** Which files hold many pictures: their names say so. */
import { PARQUET_NAME, parquetTable } from '../parquet';
import { SHARD_NAME, shardTable } from './shard';
import type { Table } from './table';

export function isTableName(name: string): boolean {
  return SHARD_NAME.test(name) || PARQUET_NAME.test(name);
}

/** Undefined for a file that is not named as one. */
export function tableOf(file: Buffer): Table | undefined {
  const name = file.toString('latin1');
  if (SHARD_NAME.test(name)) return shardTable(file);
  return PARQUET_NAME.test(name) ? parquetTable(file) : undefined;
}
