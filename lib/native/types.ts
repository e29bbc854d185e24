/**
 * The whole native seam. Only load.ts produces these objects; nothing else in lib/ knows the .node file.
 * Everything that computes returns a promise and takes a cancel token. Every rejection and every throw is an
 * Error with `code: 'ERR_…'` (see lib/errors.ts). Handles are type-tagged: a wrong object throws ERR_INVALID_ARGUMENT.
 */

/** Frees what a handle keeps on its device and in memory, as soon as no job reads it. Idempotent; later calls fail with ERR_DISPOSED. */
interface Closable extends Disposable {
  close(): void;
}

/** 8-bit samples, row-major, channels interleaved: grey, grey and alpha, RGB, or RGBA. */
export interface NativePixels {
  data: Uint8Array | Uint8ClampedArray;
  /** 1 and up. */
  width: number;
  height: number;
  channels: 1 | 2 | 3 | 4;
}

/** An image that any number of calls may read. */
export interface NativeImage extends Closable {
  readonly width: number;
  readonly height: number;
}

/** Token ids of many texts: text i is ids[offsets[i] … offsets[i+1]). No start or end tokens. Copied before the call returns. */
export interface NativeTokenLists {
  ids: Int32Array;
  offsets: Int32Array;
}

export interface NativeCancelToken {
  /** Removes what waits and stops what runs at its next step; both reject with ERR_ABORTED. */
  cancel(): void;
}

export interface NativeDeviceStats {
  name: string;
  threads: number;
  /** Jobs that wait, begun or not. */
  queued: number;
  /** A slice of a job runs now. */
  busy: boolean;
  /** Jobs since the device was opened, as all that follows. */
  completed: number;
  failed: number;
  cancelled: number;
  refused: number;
  /** Turns that jobs had. */
  slices: number;
  /** Seconds in which a slice ran. */
  busySeconds: number;
  /** Batches of jobs that merge (images, captions, rankings): how many, jobs in all of them, jobs in the largest. */
  batches: number;
  batched: number;
  largestBatch: number;
  /** Bytes of the weights of the models that are open on it. */
  weightBytes: number;
  /** Bytes that libtorch's allocator on a CUDA device has given out, and holds; of the whole process. 0 on the CPU. */
  allocatedBytes: number;
  reservedBytes: number;
}

export interface NativeDevice extends AsyncDisposable {
  stats(): NativeDeviceStats;
  /** Rejects all jobs with ERR_DISPOSED, the one that runs at the end of its slice, and waits for that. Idempotent. */
  close(): Promise<void>;
}

export interface NativeFeatures extends Closable {
  readonly rows: number;
  readonly dim: number;
  /** rows × other.rows cosine similarities, row-major. */
  similarity(other: NativeFeatures, token?: NativeCancelToken): Promise<Float32Array>;
  toArray(token?: NativeCancelToken): Promise<Float32Array>;
}

export interface NativePromptTree extends Closable {
  readonly count: number;
  /** One chain step: the candidate whose prefix+candidate is most (reverse: least) similar. */
  best(
    prefixIds: Int32Array,
    features: NativeFeatures,
    options: { exclude?: Int32Array; reverse?: boolean },
    token?: NativeCancelToken,
  ): Promise<{ index: number; similarity: number }>;
}

/** A model in two parts. */
export interface NativeGraphSource {
  /** The graph file, not compressed, with `name` in its manifest. Copied before the call returns. */
  bundle: Uint8Array;
  /** A safetensors file, an index of shards, a PyTorch checkpoint or OpenAI's archive, told apart by content; or random numbers of a seed. */
  weights: string | { seed: number };
}

/** What a graph reads of a file of weights. */
export interface NativeWeightsSummary {
  tensors: number;
  parameters: number;
  /** Of most parameters in the file. */
  dtype: 'float32' | 'float16' | 'bfloat16';
  /** Of these tensors in the file. */
  bytes: number;
}

/** Weights on a device. */
export interface NativeModel extends AsyncDisposable {
  offload(): Promise<void>;
  restore(): Promise<void>;
  /** Frees the weights once running calls are done; later calls reject with ERR_DISPOSED. Idempotent. */
  close(): Promise<void>;
}

export interface NativeClipModel extends NativeModel {
  readonly embedDim: number;
  readonly contextLength: number;
  /** The model's own logit is scale × cosine similarity + bias. null where its weights have none; with a bias it was trained with a sigmoid. */
  readonly logitScale: number | null;
  readonly logitBias: number | null;
  imageFeatures(image: NativeImage, token?: NativeCancelToken): Promise<NativeFeatures>;
  /** `onProgress(done, total)` in texts, on the JS thread, at most a few times a second. */
  textFeatures(
    texts: NativeTokenLists,
    token?: NativeCancelToken,
    onProgress?: (done: number, total: number) => void,
  ): Promise<NativeFeatures>;
  tree(candidates: NativeTokenLists): NativePromptTree;
}

export interface NativeLabelMatrix extends Closable {
  readonly rows: number;
  readonly dim: number;
  readonly hash: string;
}

/** As transformers' generate has them. What is left out is off: greedy. */
export interface NativeGenerateOptions {
  /** Most new tokens, the end token counted. */
  maxTokens: number;
  /** 1 to 64. */
  numBeams?: number;
  /** In tokens; what stands for the image, and the prompt, are counted where transformers counts them. */
  minLength?: number;
  /** Above 0; 1 changes nothing. */
  repetitionPenalty?: number;
  /** 0: n-grams may repeat. */
  noRepeatNgramSize?: number;
  /** A text's ids without start and end token, from which the caption goes on. Copied before the call returns. */
  prompt?: Int32Array;
}

export interface NativeCaptionModel extends NativeModel {
  /** Token ids after the prompt, end token included where reached. */
  generate(image: NativeImage, options: NativeGenerateOptions, token?: NativeCancelToken): Promise<Int32Array>;
}

export interface NativeRuntimeInfo {
  coreVersion: string;
  libtorchVersion: string;
  cpuFeatures: string[];
  cudaDevices: number;
  physicalCores: number;
}

export interface NativeBinding {
  /** The addon's own path. */
  readonly file: string;
  /** The first call loads a GPU's driver where there is one, off this thread. */
  runtimeInfo(): Promise<NativeRuntimeInfo>;
  /** An image without pixels, for another thread to fill; its sizes are 0 until then. */
  expectImage(): NativeImage & { readonly number: number };
  /**
   * Gives an image of any thread's its decoded RGB, by its number. Takes the memory away from `data`, with all of its ArrayBuffer, from 64 KiB
   * on. Gives nothing where the image was filled or closed. Throws ERR_INVALID_ARGUMENT, ERR_IMAGE_SIZE, ERR_OUT_OF_MEMORY.
   */
  fillImage(number: number, image: { data: Uint8Array; width: number; height: number }): void;
  /**
   * Copies a caller's pixels as RGB before it returns, over several threads. Alpha is dropped, or blended with a background of 0 … 255.
   * Throws ERR_INVALID_ARGUMENT, ERR_IMAGE_SIZE, ERR_OUT_OF_MEMORY.
   */
  copyImage(image: NativePixels, background?: { r: number; g: number; b: number }): NativeImage;
  createCancelToken(): NativeCancelToken;
  /** name: 'cpu', 'cuda' or 'cuda:N'. maxQueue: most jobs that wait; one more rejects with ERR_BUSY. */
  openDevice(
    name: string,
    options: { threads?: number; maxBatch?: number; maxQueue?: number; imageProducts?: 'float32' | 'bfloat16' },
  ): Promise<NativeDevice>;
  /** `source`: a bundle folder, or a graph and its weights. Faults of the weights are ERR_WEIGHTS_INVALID, of the rest ERR_BUNDLE_INVALID. */
  openClipModel(device: NativeDevice, source: string | NativeGraphSource, token?: NativeCancelToken): Promise<NativeClipModel>;
  openCaptionModel(device: NativeDevice, source: string | NativeGraphSource, token?: NativeCancelToken): Promise<NativeCaptionModel>;
  /** Whether opening would find the weights that the graph needs: names, shapes and types are compared, no weights are read. Rejects as opening would. */
  checkWeights(source: NativeGraphSource & { weights: string }, token?: NativeCancelToken): Promise<NativeWeightsSummary>;
  featuresFromArray(device: NativeDevice, data: Float32Array, rows: number, dim: number): Promise<NativeFeatures>;
  openLabelMatrix(path: string, options: { hash?: string; dim?: number }): Promise<NativeLabelMatrix>;
  /** Writes to a temporary name, renames. */
  writeLabelMatrix(path: string, matrix: NativeLabelMatrix): Promise<void>;
  /** Rounds to float16. */
  labelMatrixFromFeatures(features: NativeFeatures, hash: string): Promise<NativeLabelMatrix>;
  /** Of all rows of the parts, as if stacked, the i-th becomes row order[i], which names each row once. */
  joinLabelMatrices(parts: NativeLabelMatrix[], order: Int32Array, hash: string): Promise<NativeLabelMatrix>;
  /**
   * Ranks the rows of the matrices as if stacked in this order. `chunkSize`: quota ranking of so many at a time; absent or 0: true top-k.
   * For each row of the features k indices, which count through the stack.
   */
  topK(
    matrices: NativeLabelMatrix[],
    features: NativeFeatures,
    k: number,
    options: { reverse?: boolean; chunkSize?: number; corrected?: boolean },
    token?: NativeCancelToken,
  ): Promise<{ rows: number; k: number; indices: Int32Array; similarities: Float32Array }>;
}
