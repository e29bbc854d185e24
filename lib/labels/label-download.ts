/** Ready label embeddings from the network, as the reference fetches them: a saving, never a need. */
import path from 'node:path';
import { catalog } from '../bundles/catalog';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { atEndpoint, downloadUrl, isOffline } from '../hub';
import { NetworkError } from '../net/network-error';

/** Who waits for a download that does not go on could long have made the embeddings. */
const IDLE_MS = 5000;
const TOTAL_MS = 600_000;
const ATTEMPTS = 2;
/** The largest table of the reference has 155 MB for the largest model. */
const MOST_BYTES = 2 ** 31;

/** Engines that could not reach the network once are not made to wait again for every table. */
const unreachable = new WeakSet<Engine>();

/** Whether there may be a ready table for this model, and it may be fetched. */
export function mayDownloadLabels(engine: Engine): boolean {
  const { download, downloadCache } = engine.config;
  return download && downloadCache && !isOffline() && hasPublishedWeights(engine) && !unreachable.has(engine);
}

/**
 * Fetches the table that is to be `kept` from `config.cacheUrl` into `file`. What breaks off stays beside it, and the next call goes on
 * with it. One at a time for a table. Throws what the network and the file system say.
 */
export async function downloadLabels(engine: Engine, kept: string, file: string, { signal, report }: Call): Promise<void> {
  const { cacheUrl } = engine.config;
  const url = new URL(path.basename(kept), atEndpoint(cacheUrl.endsWith('/') ? cacheUrl : `${cacheUrl}/`)).href;
  try {
    await downloadUrl(url, file, {
      part: `${kept}.incomplete`,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]),
      idleMs: IDLE_MS,
      maxBytes: MOST_BYTES,
      attempts: ATTEMPTS,
      onProgress: (done, total) => report({ stage: 'download', done, total: Math.max(total, done) }),
    });
  } catch (error) {
    // Asked twice, it gave nothing. A file that is not there says nothing about the others.
    if (error instanceof NetworkError && error.isPassing) unreachable.add(engine);
    throw error;
  }
}

/** Weights under that name may also be a user's own, or untrained: their embeddings are not the published ones. */
function hasPublishedWeights({ clipBundle: { manifest } }: Engine): boolean {
  if (manifest.source?.weights !== 'hub') return false;
  return catalog().some(({ kind, name }) => kind === 'clip' && name === manifest.name);
}
