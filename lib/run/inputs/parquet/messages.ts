/** What the thread that reads a parquet file and those who ask it say to each other. */
import type { ErrorCode } from '../../../api';

export interface WorkerData {
  /** The file's path, a byte in each character: it need not be UTF-8. */
  file: string;
}

export interface Fault {
  code: ErrorCode;
  message: string;
  hint?: string;
}

/** A row's image: its bytes, or the bytes of its path or URL. */
export type Cell = { bytes: Uint8Array<ArrayBuffer> } | { address: Uint8Array<ArrayBuffer> } | null;

/** Sent once, unasked. */
export interface Opened {
  /** Undefined where there is a fault. */
  count?: number;
  fault?: Fault;
}

/** For each message to the thread, whatever it is. */
export interface Batch {
  cells: Cell[];
  /** Why there is nothing behind these. */
  fault?: Fault;
  isLast: boolean;
}
