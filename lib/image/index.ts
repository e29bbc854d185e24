export { type FetchImageOptions, fetchImage } from '../net/fetch-image';
export { type DecodeOptions, decodeImage, type ImageInput, MAX_PIXELS } from './decode-image';
export type { RgbImage } from './failure';
export type { RawImage } from './raw-pixels';
export { closeDecodeWorkers } from './worker-pool';
