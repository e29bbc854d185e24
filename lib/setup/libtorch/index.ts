/** libtorch for the addon: found where it is, fetched where it is not. */
import { findLibtorch, type Libtorch } from './locate';

export { findLibtorch, type Libtorch, requireLibtorch } from './locate';
export { LIBTORCH_VERSION } from './version';

/**
 * The libtorch to run on; fetched from the Python package index (as pip is set up, without Python) where none is named and none was fetched before.
 * A break continues where it stopped, also in another process. `cuda`: with its CUDA half and every library that half links (3 GB to
 * download instead of 0.5). `quiet`: no progress bar on stderr.
 * @throws ERR_LIBTORCH_VERSION, ERR_LIBTORCH_ABI, ERR_LIBTORCH_CUDA, ERR_LIBTORCH_NOT_FOUND, ERR_NETWORK, ERR_CONFIG (pip's settings), ERR_IO
 */
export async function ensureLibtorch({ cuda = false, quiet = false } = {}): Promise<Libtorch> {
  const found = findLibtorch({ cuda });
  if (found) return found;
  // Only those who fetch pay for the code and the libraries that fetching takes.
  const { fetchLibtorch } = require('./fetch') as typeof import('./fetch');
  const { createFetchBar } = require('../../net/fetch-bar') as typeof import('../../net/fetch-bar');
  const bar = createFetchBar();
  try {
    await fetchLibtorch(cuda ? 'cuda' : 'cpu', quiet ? () => {} : bar.update);
  } finally {
    bar.stop();
  }
  return findLibtorch({ cuda }) as Libtorch;
}
