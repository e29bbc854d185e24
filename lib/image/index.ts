export { type FetchImageOptions, fetchImage } from '../net/fetch-image';
export { type DecodeOptions, decodeImage, type ImageInput, MAX_PIXELS } from './decode-image';
export { type DecodedImage, decodeStats } from './decoders/queue';
export { closeDecodeWorkers, useDecodeWorkers } from './decoders/worker-pool';
export type { RgbImage } from './failure';
export type { RawImage } from './raw-pixels';
