/** A row as outputs show it: the same names in all of them. */
import type { Mode, RankedLabel } from '../../api';
import type { Row, RowError } from '../row';

/** What the rows of a run are of. */
export type RowKind = 'interrogate' | 'rank' | 'features';

/** An object of JSON lines. What a picture does not have is left out. */
export interface RowRecord {
  image: string;
  /** The first mode's text; under `negative` where that is the mode. */
  prompt?: string;
  /** Of that text before the rules for words and the picture, to 6 decimals. */
  similarity?: number;
  caption?: string;
  ranked?: readonly RankedLabel[];
  features?: readonly number[];
  width?: number;
  height?: number;
  truncated?: true;
  sha256?: string;
  error?: RowError;
  /** Further modes' texts, each under its mode. */
  [mode: string]: unknown;
}

/** The name under which a mode's text is shown: `prompt` for the first, unless it is negative. */
export function columnOf(mode: Mode, place: number): string {
  return place === 0 && mode !== 'negative' ? 'prompt' : mode;
}

/** What JSON lines hold of a row. */
export function rowToObject(row: Row): RowRecord {
  const { name, texts, caption, ranked, features, width, height, truncated, sha256, error } = row;
  const record: RowRecord = { image: name };
  for (const [i, { mode, text, similarity }] of (texts ?? []).entries()) {
    record[columnOf(mode, i)] = text;
    if (i === 0 && similarity !== undefined) record.similarity = similarity;
  }
  // Of a run whose mode is caption, the text stands under its name already.
  if (caption !== undefined && record.caption === undefined) record.caption = caption;
  if (ranked) record.ranked = ranked;
  if (features) record.features = Array.from(features);
  if (width !== undefined && height !== undefined) Object.assign(record, { width, height });
  if (truncated) record.truncated = true;
  if (sha256 !== undefined) record.sha256 = sha256;
  if (error) record.error = error;
  return record;
}

/** One text of a row, for outputs that have room for one: the first mode's, or the labels of a ranking. */
export function textOf({ texts, ranked }: Row): string | undefined {
  if (texts) return texts[0]?.text;
  return ranked?.map(({ label }) => label).join(', ');
}
