export { colorOf, type DecodeOptions, decodeImage, type ImageInput } from './decode-image';
export type { RgbImage } from './failure';
export type { EncodedImage } from './inputs';
export { checkRawImage, type RawImage, rawImageOf } from './raw-pixels';
export { closeDecodeThreads, useDecodeThreads } from './threads/decode-threads';
export { countPixels, type DecodedImage, decodeStats } from './threads/queue';
export type { ThumbnailOptions } from './thumbnail';
