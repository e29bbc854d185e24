/**
 * The whole native seam. Only load.ts produces these objects; nothing else in lib/ knows the .node file.
 * Everything that computes returns a promise and takes a cancel token. Every rejection and every throw is an
 * Error with `code: 'ERR_…'` (see lib/errors.ts). Handles are type-tagged: a wrong object throws ERR_INVALID_ARGUMENT.
 */

/** 8-bit RGB, row-major, height × width × 3. Copied before the call returns. */
export interface NativePixels {
  data: Uint8Array;
  width: number;
  height: number;
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
  /** Batches of jobs that merge (images, captions, rankings): how many, jobs in all of them, jobs in the largest. */
  batches: number;
  batched: number;
  largestBatch: number;
}

export interface NativeDevice {
  stats(): NativeDeviceStats;
  /** Waits for the job whose slice runs, rejects all others with ERR_DISPOSED. Idempotent. */
  close(): Promise<void>;
}

export interface NativeFeatures {
  readonly rows: number;
  readonly dim: number;
  /** rows × other.rows cosine similarities, row-major. */
  similarity(other: NativeFeatures, token?: NativeCancelToken): Promise<Float32Array>;
  toArray(token?: NativeCancelToken): Promise<Float32Array>;
}

export interface NativePromptTree {
  readonly count: number;
  /** One chain step: the candidate whose prefix+candidate is most (reverse: least) similar. */
  best(
    prefixIds: Int32Array,
    features: NativeFeatures,
    options: { exclude?: Int32Array; reverse?: boolean },
    token?: NativeCancelToken,
  ): Promise<{ index: number; similarity: number }>;
}

export interface NativeClipModel {
  readonly embedDim: number;
  readonly contextLength: number;
  imageFeatures(pixels: NativePixels, token?: NativeCancelToken): Promise<NativeFeatures>;
  /** `onProgress(done, total)` in texts, on the JS thread, at most a few times a second. */
  textFeatures(
    texts: NativeTokenLists,
    token?: NativeCancelToken,
    onProgress?: (done: number, total: number) => void,
  ): Promise<NativeFeatures>;
  tree(candidates: NativeTokenLists): NativePromptTree;
  offload(): Promise<void>;
  restore(): Promise<void>;
  /** Frees the weights once running calls are done; later calls reject with ERR_DISPOSED. Idempotent. */
  close(): Promise<void>;
}

export interface NativeTopKOptions {
  reverse?: boolean;
  /** Quota ranking with this chunk size; absent or 0: true top-k. */
  chunkSize?: number;
  corrected?: boolean;
}

export interface NativeTopK {
  rows: number;
  k: number;
  indices: Int32Array;
  similarities: Float32Array;
}

export interface NativeLabelMatrix {
  readonly rows: number;
  readonly dim: number;
  readonly hash: string;
}

export interface NativeCaptionModel {
  /** Greedy token ids after the prompt, end token included where reached. */
  generate(pixels: NativePixels, options: { maxTokens: number }, token?: NativeCancelToken): Promise<Int32Array>;
  offload(): Promise<void>;
  restore(): Promise<void>;
  close(): Promise<void>;
}

export interface NativeRuntimeInfo {
  coreVersion: string;
  libtorchVersion: string;
  cpuFeatures: string[];
  cudaDevices: number;
  physicalCores: number;
}

export interface NativeBinding {
  runtimeInfo(): NativeRuntimeInfo;
  /** Frees the memory of an array that has its buffer for itself; the array is empty from then on. Others it leaves as they are. Throws ERR_INVALID_ARGUMENT for what is no typed array. */
  freeMemoryOf(array: Uint8Array): void;
  createCancelToken(): NativeCancelToken;
  /** name: 'cpu', 'cuda' or 'cuda:N'. maxQueue: most jobs that wait; one more rejects with ERR_BUSY. */
  openDevice(name: string, options: { threads?: number; maxBatch?: number; maxQueue?: number }): Promise<NativeDevice>;
  openClipModel(
    device: NativeDevice,
    folder: string,
    options: { verifyHashes?: boolean },
    token?: NativeCancelToken,
  ): Promise<NativeClipModel>;
  openCaptionModel(
    device: NativeDevice,
    folder: string,
    options: { verifyHashes?: boolean },
    token?: NativeCancelToken,
  ): Promise<NativeCaptionModel>;
  featuresFromArray(device: NativeDevice, data: Float32Array, rows: number, dim: number): Promise<NativeFeatures>;
  openLabelMatrix(path: string, options: { hash?: string; dim?: number }): Promise<NativeLabelMatrix>;
  /** Rounds to float16, writes to a temporary name, renames. */
  writeLabelMatrix(path: string, features: NativeFeatures, hash: string, token?: NativeCancelToken): Promise<void>;
  labelMatrixFromFeatures(features: NativeFeatures, hash: string): Promise<NativeLabelMatrix>;
  /** Ranks the rows of the matrices as if stacked in this order. indices count through the stack. */
  topK(
    matrices: NativeLabelMatrix[],
    features: NativeFeatures,
    k: number,
    options: NativeTopKOptions,
    token?: NativeCancelToken,
  ): Promise<NativeTopK>;
}
