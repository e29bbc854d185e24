/** Runs over folders of pictures: see runFolder(). */
import type { RunInput } from './inputs';
import type { RunOptions } from './options';
import { Run } from './run';

export type { RunInput } from './inputs';
export { type CaptionFit, type Coverage, type Inspection, type InspectOptions, inspectFolder, writeInspection } from './inspect';
export { type FoundStatus, readRunStatus } from './ledger/state';
export type { RunOptions, RunTask } from './options';
export { rowToObject, type SidecarOptions } from './outputs';
export type { FailureGroup, RunProgress, RunSummary } from './progress';
export type { Row, RowError, RowText, TermScores } from './row';
export type { Run } from './run';
export { applyWords, previewWords, readReplacements, readWordRules, type WordRules } from './words';

/**
 * A run over the pictures of files, folders, URLs, tar shards and parquet files. It begins when its rows are asked for, or with finish():
 * each picture comes to a row, in the order of the inputs; a picture that fails is a row with an error, and the others go on.
 *
 * What was made is kept in a ledger (see `state`), so that a run that ended in whatever way goes on where it was when it is started
 * again: only what is missing is done. The same content under two names is computed once.
 */
export function runFolder(inputs: RunInput | readonly RunInput[], options: RunOptions = {}): Run {
  return new Run(Array.isArray(inputs) ? inputs : [inputs as RunInput], options);
}
