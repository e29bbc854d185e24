/** One picture's line in what a run writes: the same for every kind of output. */
import type { InterrogatorError, Mode, RankedLabel } from '../api';

/** The tables of terms, each with its terms most similar to the picture, in falling order. */
export type TermScores = Readonly<Partial<Record<'mediums' | 'artists' | 'trendings' | 'movements' | 'flavors', readonly RankedLabel[]>>>;

/** An error as outputs hold it. */
export interface RowError {
  /** One of ERROR_CODES. */
  code: string;
  message: string;
  hint?: string;
}

export function rowError({ code, problem: message, hint }: InterrogatorError): RowError {
  return hint === undefined ? { code, message } : { code, message, hint };
}

/** A text that a run made of a picture, after the rules for words. */
export interface RowText {
  mode: Mode;
  text: string;
  /** Before the rules for words. */
  original: string;
  /** Cosine similarity of `original` and the picture, -1 … 1, to 6 decimals, where it was asked for. */
  similarity?: number;
}

/** What a run has to say of one picture. Exactly one of `texts`, `ranked`, `features` and `error` is there. */
export interface Row {
  /** The picture's name: see Picture. */
  name: string;
  /** Where it is a file of its own. */
  file?: Buffer;
  /** The folder argument that it was found below. */
  root?: Buffer;
  /** SHA-256 of the encoded picture, hex, as it was before runs wrote texts into it. Absent where it could not be read. */
  sha256?: string;
  /** Of the decoded picture. */
  width?: number;
  height?: number;
  /** The file ends too early, and was decoded as far as it goes. */
  truncated?: true;
  /** In the order in which the modes were asked for, at least one: of `interrogate`. */
  texts?: readonly RowText[];
  /** The caption that the texts began from. Absent where there is none. */
  caption?: string;
  /** The best terms of each table, where they were asked for. */
  terms?: TermScores;
  /** In falling similarity: of `rank`. */
  ranked?: readonly RankedLabel[];
  /** Unit-length image features, float32, embedDim numbers: of `features`. */
  features?: Float32Array;
  error?: RowError;
}
