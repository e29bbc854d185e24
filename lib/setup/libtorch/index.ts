/** libtorch for the addon: found where it is, fetched where it is not. */
import { InterrogatorError } from '../../errors';
import type { FetchOptions } from './fetch';
import { findLibtorch, type Libtorch } from './locate';

export type { FetchProgress } from './fetch';
export { type FindOptions, findLibtorch, type Libtorch } from './locate';
export { LIBTORCH_VERSION } from './version';

export interface EnsureOptions extends FetchOptions {
  /** With its CUDA half and every library that half links (3 GB to download instead of 0.5). */
  cuda?: boolean;
  /** No progress bar on stderr. */
  quiet?: boolean;
}

/**
 * The libtorch to run on; fetched through pip's index where none is named and none was fetched before.
 * A break continues where it stopped, also in another process.
 * @throws ERR_LIBTORCH_VERSION, ERR_LIBTORCH_ABI, ERR_LIBTORCH_CUDA, ERR_LIBTORCH_NOT_FOUND, ERR_NETWORK, ERR_IO, AbortError
 */
export async function ensureLibtorch({ cuda = false, quiet = false, signal, onProgress }: EnsureOptions = {}): Promise<Libtorch> {
  const found = findLibtorch({ cuda });
  if (found) return found;
  // Only those who fetch pay for the code and the libraries that fetching takes.
  const { fetchLibtorch } = require('./fetch') as typeof import('./fetch');
  const { createFetchBar } = require('./progress-bar') as typeof import('./progress-bar');
  const bar = quiet ? undefined : createFetchBar();
  try {
    await fetchLibtorch(cuda ? 'cuda' : 'cpu', {
      signal,
      onProgress: (progress) => {
        bar?.update(progress);
        onProgress?.(progress);
      },
    });
  } finally {
    bar?.stop();
  }
  const fetched = findLibtorch({ cuda });
  if (fetched) return fetched;
  throw new InterrogatorError('ERR_LIBTORCH_NOT_FOUND', 'libtorch was fetched but is gone again.');
}
