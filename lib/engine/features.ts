import { type CallOptions, callOptions, invalid, isA } from '../arguments';
import type { NativeFeatures } from '../native/types';
import type { Engine } from './engine';

/** Unit-length CLIP features, float32, rows × dim, that stay on their device. Made by an Interrogator; freed with the object. */
export class Features {
  /** @internal */
  constructor(
    private readonly engine: Engine,
    /** @internal */
    readonly native: NativeFeatures,
  ) {}

  /** Images or texts. */
  get rows(): number {
    return this.native.rows;
  }

  /** Numbers a row: the model's embedDim. */
  get dim(): number {
    return this.native.dim;
  }

  /** A copy of the numbers, row-major, length rows × dim. */
  async toArray(options: CallOptions = {}): Promise<Float32Array> {
    return this.engine.call(callOptions('toArray', options, {}), ({ token }) => this.native.toArray(token));
  }

  /** Cosine similarities, -1 … 1, row-major rows × other.rows. Throws ERR_INVALID_ARGUMENT where dims differ. */
  async similarity(other: Features, options: CallOptions = {}): Promise<Float32Array> {
    if (!isA(other, Features)) throw invalid('other: expected Features, as imageToFeatures() and textToFeatures() make them.');
    return this.engine.call(callOptions('similarity', options, {}), ({ token }) => this.native.similarity(other.native, token));
  }
}

/** @internal The native features of one image. Throws ERR_INVALID_ARGUMENT for anything else. */
export function oneImage(features: Features): NativeFeatures {
  if (!isA(features, Features)) throw invalid('Expected the features of one image, as imageToFeatures() makes them.');
  if (features.rows !== 1) throw invalid(`Expected the features of one image, got ${features.rows} rows.`);
  return features.native;
}
