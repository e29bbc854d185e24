export { colorOf, type DecodeOptions, decodeImage, type ImageInput } from './decode-image';
export { countPixels, type DecodedImage, decodeStats } from './decoders/queue';
export { closeDecodeWorkers, useDecodeWorkers } from './decoders/worker-pool';
export type { RgbImage } from './failure';
export type { EncodedImage } from './inputs';
export { checkRawImage, type RawImage, rawImageOf } from './raw-pixels';
