import { throwIfAborted } from '../errors';
import { type EncodedImage, openInput } from './inputs';
import { findPath } from './inputs/file';
import { Reading } from './inputs/read-ahead';

export interface ReadOptions {
  signal?: AbortSignal | undefined;
  /**
   * The bytes of a URL or a stream count as held until this is settled. Together with what is read of others they are at most 256 MiB: more
   * is read once some are not held any more. Default: until they are returned.
   */
  until?: Promise<unknown> | undefined;
}

/** See public.ts. */
export async function readImage(input: EncodedImage, { signal, until }: ReadOptions = {}): Promise<string | Buffer> {
  throwIfAborted(signal);
  const source = openInput(input);
  const reading = new Reading(signal);
  const release = (): void => reading[Symbol.dispose]();
  try {
    const found = await source.read(signal, reading);
    if (typeof found === 'string') await findPath(found, signal);
    if (until === undefined || typeof found === 'string') release();
    else {
      reading.end();
      until.then(release, release);
    }
    return found;
  } catch (error) {
    release();
    throw error;
  }
}
