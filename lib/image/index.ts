export { type DecodeOptions, decodeImage, type ImageInput, MAX_PIXELS } from './decode-image';
export type { RgbImage } from './failure';
export { type FetchImageOptions, fetchImage } from './fetch-image';
export type { RawImage } from './raw-pixels';
export { closeDecodeWorkers } from './worker-pool';
