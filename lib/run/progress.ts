/** How far a run is, and how it ended. */
import type { ProgressEvent } from '../api';
import type { RowError } from './row';

export interface RunProgress {
  /** Pictures of the run; null while they are still being counted. */
  total: number | null;
  /** Pictures that were worked on now, and came to a result. */
  done: number;
  /** Pictures whose results were there from an earlier run, or from another picture with the same content. */
  kept: number;
  /** Pictures that came to an error, now or, where it was not tried again, in an earlier run. */
  failed: number;
  /** Pictures left out because they have what was to be written (`existing: 'skip'`). */
  skipped: number;
  /** Pictures that went through the image tower now: their features were not there. */
  encoded: number;
  /** Pictures worked on a second, over the last 30 s; 0 until there are some. */
  rate: number;
  /** null while it cannot be told. */
  secondsLeft: number | null;
  /** Since the run began. */
  seconds: number;
  /** Names of the devices: `cpu`, `cuda:0`. */
  devices: readonly string[];
  /** What is under way before the first picture: a download, the loading of models, label embeddings. */
  stage?: ProgressEvent;
}

/** Failures of one kind. */
export interface FailureGroup {
  code: string;
  hint?: string;
  count: number;
  /** The first few, by name, with what was wrong. */
  examples: readonly { name: string; error: RowError }[];
}

export interface RunSummary extends RunProgress {
  /** Most frequent first. */
  failures: readonly FailureGroup[];
  /** Files that were written: tables and reports, not sidecars. */
  written: readonly string[];
  sidecars: number;
  /** The folder that keeps what was made; null where nothing is kept, so that another run begins anew. */
  state: string | null;
  /** The run was aborted before its end. */
  aborted: boolean;
}
