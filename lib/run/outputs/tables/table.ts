/** A file with a line, an object or a record for each row of a run. */
import type { Mode } from '../../../api';
import type { Picture } from '../../picture';
import type { RunSummary } from '../../progress';
import type { Row, RowError } from '../../row';
import type { RowKind } from '../record';

/** What a table lacks of one picture. The table goes on without it. */
export class PictureFault extends Error {
  constructor(readonly error: RowError) {
    super(error.message);
  }
}

/** Rows come in the run's order. The file is in its place once it is finished, whole. */
export interface Table {
  /**
   * `picture`: where its bytes are. `signal`: ends reading them. Rejects with a PictureFault where the picture cannot be read again, with
   * AbortError, and with ERR_IO where the table cannot be written.
   */
  write(row: Row, picture?: Picture, signal?: AbortSignal): Promise<void>;
  /** `summary`: how the run ended, for outputs that tell of it. */
  finish(summary?: RunSummary): Promise<void>;
  /** Leaves what was in the place. */
  abandon(): Promise<void>;
}

export interface TableOptions {
  kind: RowKind;
  /** Of `interrogate`: in the order in which rows have their texts. */
  modes: readonly Mode[];
  /** Of `interrogate`: texts have similarities. */
  similarities?: boolean;
  /** Of `features`: numbers in each row. */
  embedDim: number;
  /** Of `rank`: rows have probabilities. */
  probabilities?: boolean;
}
