import { throwIfAborted } from '../errors';
import { type EncodedImage, openInput } from './inputs';
import { findPath } from './inputs/file';
import { Reading } from './inputs/read-ahead';

/**
 * The encoded image that an input stands for, not decoded: the path of a file that is there, or bytes, at most 256 MiB. A URL is
 * downloaded, a stream is read to its end.
 * Rejects with `ERR_IMAGE_NOT_FOUND`, `ERR_IO`, `ERR_IMAGE_SIZE`, `ERR_NETWORK`, `ERR_INVALID_ARGUMENT` or `ERR_ABORTED`.
 */
export async function readImage(input: EncodedImage, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<string | Buffer> {
  throwIfAborted(signal);
  const source = openInput(input);
  using reading = new Reading(signal);
  const found = await source.read(signal, reading);
  if (typeof found === 'string') await findPath(found, signal);
  return found;
}
