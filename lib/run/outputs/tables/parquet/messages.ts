/** What a run and the thread that writes its parquet file say to each other. */

export type ScalarType = 'STRING' | 'DOUBLE' | 'INT32' | 'BOOLEAN' | 'FLOAT';

export interface ColumnSpec {
  name: string;
  type: ScalarType;
  /** A list of such values in each row. */
  isList: boolean;
}

export interface WriterData {
  columns: readonly ColumnSpec[];
}

export type Value = string | number | boolean | null | readonly (string | number)[] | Float32Array;

/** To the thread: rows, a value for each column, or that there are no more. */
export type Asked = { rows: readonly (readonly Value[])[] } | 'end';

/** For each message to it: the bytes that are to be written next, which may be none. */
export interface Written {
  bytes: Uint8Array<ArrayBuffer>;
}
