/** Ready label embeddings from the network, as the reference fetches them: a saving, never a need. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { catalog } from '../bundles/catalog';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { acquireLock } from '../files/lock';
import { atEndpoint, isOffline } from '../hub';
import { download } from '../net/download';
import { NetworkError } from '../net/network-error';

/** Who waits for a download that does not go on could long have made the embeddings. */
const IDLE_MS = 5000;
const TOTAL_MS = 600_000;
const ATTEMPTS = 2;
/** The largest table of the reference has 155 MB for the largest model. */
const MOST_BYTES = 2 ** 31;

/** Engines that could not reach the network once are not made to wait again for every table. */
const unreachable = new WeakSet<Engine>();

/**
 * Fetches the table of that file name from `config.cacheUrl` into `file`, where the model is a pretrained one of the catalog. What breaks
 * off stays beside it, and the next call goes on with it. False where the table is not to be had. Throws what the network and the file
 * system say.
 */
export async function downloadLabels(engine: Engine, name: string, file: string, { signal, report }: Call): Promise<boolean> {
  const { downloadCache, cacheUrl } = engine.config;
  if (!downloadCache || isOffline() || !hasPublishedWeights(engine) || unreachable.has(engine)) return false;
  const url = new URL(name, atEndpoint(cacheUrl.endsWith('/') ? cacheUrl : `${cacheUrl}/`)).href;
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true });
  const part = path.join(folder, `${name}.incomplete`);
  const release = await acquireLock(`${part}.lock`, { signal });
  try {
    await download(url, file, {
      part,
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
  } finally {
    await release();
  }
  return true;
}

/** Weights under that name may also be a user's own, or untrained: their embeddings are not the published ones. */
function hasPublishedWeights({ clipBundle: { manifest } }: Engine): boolean {
  if (manifest.source?.weights !== 'hub') return false;
  return catalog().some(({ kind, name }) => kind === 'clip' && name === manifest.name);
}
