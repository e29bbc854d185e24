import { setImmediate } from 'node:timers/promises';
import { types } from 'node:util';
import { arrayOf, type CallOptions, invalid, isA, NO_OPTIONS, read, show } from '../arguments';
import type { NativeFeatures } from '../native/types';
import type { Engine } from './engine';
import { type EngineOwner, engineOf } from './owner';

/** Unit-length CLIP features, float32, rows × dim, that stay on their device. Made by an Interrogator; freed with the object. */
export class Features {
  /** @internal */
  constructor(
    private readonly engine: Engine,
    /** @internal */
    readonly native: NativeFeatures,
  ) {}

  /**
   * Features of numbers that were kept: what toArray() gave, rows × embedDim of the interrogator, row-major. Rows are taken as they are:
   * they should have length 1. Throws ERR_INVALID_ARGUMENT for what is no whole number of rows, or not finite.
   */
  static async from(array: Float32Array | readonly number[], interrogator: EngineOwner, options: CallOptions = {}): Promise<Features> {
    const engine = engineOf(interrogator);
    return engine.calls.run('Features.from', options, NO_OPTIONS, async () => {
      const dim = engine.clipBundle.manifest.embedDim;
      const numbers = await numbersOf(array, dim);
      return new Features(engine, await engine.binding.featuresFromArray(engine.device, numbers, numbers.length / dim, dim));
    });
  }

  /** Images or texts. */
  get rows(): number {
    return this.native.rows;
  }

  /** Numbers a row: the model's embedDim. */
  get dim(): number {
    return this.native.dim;
  }

  /** A copy of the numbers, row-major, length rows × dim. Features.from() makes features of them again. */
  async toArray(options: CallOptions = {}): Promise<Float32Array> {
    return this.engine.calls.run('toArray', options, NO_OPTIONS, ({ token }) => this.native.toArray(token));
  }

  /** Cosine similarities, -1 … 1, row-major rows × other.rows. Throws ERR_INVALID_ARGUMENT where dims differ. */
  async similarity(other: Features, options: CallOptions = {}): Promise<Float32Array> {
    return this.engine.calls.run('Features.similarity', options, NO_OPTIONS, async ({ token }) => {
      if (isFeatures(other)) return this.native.similarity(other.native, token);
      throw invalid('other: expected Features, as imageToFeatures() and textToFeatures() make them.');
    });
  }

  /** Frees the numbers now, rather than at some garbage collection; later calls fail with ERR_DISPOSED. */
  close(): void {
    this.native.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Checked before others get a turn: 1 ms or so. */
const CHECKED_AT_ONCE = 1 << 18;

/** A copy of the numbers, of whole rows. Throws ERR_INVALID_ARGUMENT. */
async function numbersOf(array: unknown, dim: number): Promise<Float32Array> {
  const numbers = read('array', 'ERR_INVALID_ARGUMENT', () => {
    if (types.isFloat32Array(array) || types.isFloat64Array(array)) return Float32Array.from(array);
    const list = arrayOf('array', array, (each) => typeof each === 'number');
    return list && Float32Array.from(list);
  });
  if (!numbers || numbers.length === 0 || numbers.length % dim !== 0) {
    throw invalid(`array: got ${numbers ? `${numbers.length} numbers` : show(array)}, expected numbers in rows of ${dim}.`);
  }
  for (let start = 0; start < numbers.length; start += CHECKED_AT_ONCE) {
    if (start > 0) await setImmediate();
    if (!numbers.subarray(start, start + CHECKED_AT_ONCE).every(Number.isFinite)) throw invalid('array: expected finite numbers.');
  }
  return numbers;
}

/** @internal The native features of one image. Throws ERR_INVALID_ARGUMENT for anything else. */
export function oneImage(features: Features): NativeFeatures {
  if (!isFeatures(features)) throw invalid('Expected the features of one image, as imageToFeatures() makes them.');
  if (features.rows !== 1) throw invalid(`Expected the features of one image, got ${features.rows} rows.`);
  return features.native;
}

function isFeatures(value: unknown): value is Features {
  return isA(value, Features, ({ native }) => native !== undefined);
}
