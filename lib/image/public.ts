/** What the package gives of images by themselves. The decoders are loaded when one is called: the package itself is light. */
import type { EncodedImage } from './inputs';
import type { ReadOptions } from './read-image';
import type { ThumbnailOptions } from './thumbnail';

/**
 * The encoded image that an input stands for, not decoded: the path of a file that is there, or bytes, at most 256 MiB. A URL is
 * downloaded, a stream is read to its end.
 * Rejects with `ERR_IMAGE_NOT_FOUND`, `ERR_IO`, `ERR_IMAGE_SIZE`, `ERR_NETWORK`, `ERR_INVALID_ARGUMENT` or `ERR_ABORTED`.
 */
export async function readImage(input: EncodedImage, options: ReadOptions = {}): Promise<string | Buffer> {
  return (require('./read-image') as typeof import('./read-image')).readImage(input, options);
}

/** A small JPEG of an image, upright, whose longer side has at most `size` pixels (160). Rejects as decoding does. */
export async function thumbnail(image: EncodedImage, options: ThumbnailOptions = {}): Promise<Buffer> {
  return (require('./thumbnail') as typeof import('./thumbnail')).thumbnail(image, options);
}
