/** A row that is shorter was not written as it should be: a power cut left zeros in its place. */
export const LEAST_LENGTH = 0.9;

/** Image features that were kept: float16 rows of one model, in a file that only grows. */
export interface FeatureRows {
  readonly dim: number;
  /** Rows of the file. */
  readonly count: number;
  /** Float32, row-major, `places.length` × dim, in that order. */
  read(places: readonly number[]): Promise<Float32Array>;
}
