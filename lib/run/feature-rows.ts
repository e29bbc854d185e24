/** Image features that were kept: float16 rows of one model, in a file that only grows. */
export interface FeatureRows {
  readonly dim: number;
  /** Rows of the file. */
  readonly count: number;
  /** Float32, row-major, `places.length` × dim, in that order. */
  read(places: readonly number[]): Promise<Float32Array>;
}
