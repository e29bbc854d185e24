/** Runs over folders of pictures, and what stands on what they keep. What works is loaded when it is called: the package itself is light. */
import type { RunInput } from './inputs';
import type { Inspection, InspectionTable, InspectOptions } from './inspect';
import type { KeptOptions, KeptPicture, ListedPicture } from './kept/pictures';
import type { FoundStatus } from './ledger/state';
import type { RunOptions } from './options';
import type { Run } from './run';

export type { RunInput } from './inputs';
export type {
  CaptionFit,
  DuplicateGroup,
  Inspection,
  InspectionTable,
  InspectOptions,
  NearDuplicateGroup,
  Outlier,
  TermShare,
} from './inspect';
export type { KeptOptions, KeptPicture, ListedPicture } from './kept/pictures';
export type { FoundStatus } from './ledger/state';
export type { RunOptions, RunTask } from './options';
export type { SidecarOptions } from './outputs';
export { rowToObject } from './outputs/record';
export type { FailureGroup, RunProgress, RunSummary } from './progress';
export type { Row, RowError, RowText, TermScores } from './row';
export type { Run } from './run';
export { previewWords } from './words/preview';
export { readReplacements, readWordRules } from './words/read-rules';
export type { WordRules } from './words/rules';

/**
 * A run over the pictures of files, folders, URLs, tar shards and parquet files. It begins when its rows are asked for, or with finish():
 * each picture comes to a row, in the order of the inputs; a picture that fails is a row with an error, and the others go on.
 *
 * What was made is kept in a ledger (see `state`), so that a run that ended in whatever way goes on where it was when it is started
 * again: only what is missing is done. The same content under two names is computed once.
 *
 * Throws ERR_INVALID_ARGUMENT for inputs and options that are wrong, naming each, and ERR_CONFIG for settings of the models.
 */
export function runFolder(inputs: RunInput | readonly RunInput[], options: RunOptions = {}): Run {
  const { Run } = require('./run') as typeof import('./run');
  return new Run(Array.isArray(inputs) ? inputs : [inputs as RunInput], options);
}

/**
 * The doctor of a set. Rejects with ERR_INVALID_ARGUMENT where no run has left image features of this model there, with ERR_IO where they
 * cannot be read, and with AbortError.
 */
export async function inspectFolder(folder: string, options: InspectOptions = {}): Promise<Inspection> {
  const { inspectFolder: inspect } = require('./inspect') as typeof import('./inspect');
  return inspect(folder, options);
}

/**
 * An inspection as one .html page, with nothing from elsewhere. Rejects with ERR_INVALID_ARGUMENT for another name, with ERR_IO where it
 * cannot be written.
 */
export async function writeInspection(file: string, inspection: Inspection): Promise<void> {
  const { writeInspection: write } = require('./inspect') as typeof import('./inspect');
  await write(file, inspection);
}

/** The tables that a terminal and the page show of an inspection, with at most `most` rows each. */
export function inspectionTables(inspection: Inspection, most: number): InspectionTable[] {
  const { inspectionTables: tables } = require('./inspect') as typeof import('./inspect');
  return tables(inspection, most);
}

/** The pictures of a folder, in natural order. Rejects with ERR_IO, and AbortError. */
export async function* listPictures(folder: string, options: Pick<KeptOptions, 'signal'> = {}): AsyncGenerator<ListedPicture> {
  const { listPictures: list } = require('./kept/pictures') as typeof import('./kept/pictures');
  yield* list(folder, options);
}

/** What runs over a folder have kept of its pictures; nothing where there was none. Rejects with ERR_IO, and AbortError. */
export async function* keptPictures(folder: string, options: KeptOptions = {}): AsyncGenerator<KeptPicture> {
  const { keptPictures: kept } = require('./kept/pictures') as typeof import('./kept/pictures');
  yield* kept(folder, options);
}

/** The path of the text file beside a picture: its name with another suffix, such as `.txt`. Bytes: a name need not be UTF-8. */
export function besidePicture(file: Buffer, extension: string): Buffer {
  const { besidePicture: beside } = require('./inspect/there') as typeof import('./inspect/there');
  return beside(file, extension);
}

/** What the last run in a folder of pictures, of an output, or of a state says of itself; undefined where there was none. */
export async function readRunStatus(folder: string): Promise<FoundStatus | undefined> {
  const { readRunStatus: read } = require('./ledger/state') as typeof import('./ledger/state');
  return read(folder);
}
