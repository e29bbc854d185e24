/** Ready label embeddings from the network, as the reference fetches them: a saving, never a need. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { catalog } from '../bundles/catalog';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { hubEndpoint, isOffline } from '../hub';
import { counted } from '../net/counted';
import { request } from '../net/http';
import { shownUrl } from '../net/shown-url';

/** Who waits for a download that does not go on could long have made the embeddings. */
const IDLE_MS = 5000;
const TOTAL_MS = 600_000;
/** The largest table of the reference has 155 MB for the largest model. */
const MOST_BYTES = 2 ** 31;

/** HF_ENDPOINT may name another one. */
const HUB = /^https:\/\/huggingface\.co\//;

/** Engines that could not reach the network once are not made to wait again for every table. */
const unreachable = new WeakSet<Engine>();

/**
 * Fetches the table of that file name from `config.cacheUrl` into `file`, where the model is a pretrained one of the catalog.
 * False where it is not to be had. Throws what the network and the file system say.
 */
export async function downloadLabels(engine: Engine, name: string, file: string, { signal, report }: Call): Promise<boolean> {
  const { downloadCache, cacheUrl } = engine.config;
  if (!downloadCache || isOffline() || !hasPublishedWeights(engine) || unreachable.has(engine)) return false;
  const folder = cacheUrl.replace(HUB, `${hubEndpoint()}/`);
  const url = new URL(name, folder.endsWith('/') ? folder : `${folder}/`).href;
  const answer = await request(url, { signal, idleMs: IDLE_MS, totalMs: TOTAL_MS }).catch((error: unknown) => {
    if (!signal.aborted) unreachable.add(engine);
    throw error;
  });
  if (answer.status !== 200) {
    answer.discard();
    throw new Error(`${shownUrl(url)} answered ${answer.statusText}`);
  }
  await mkdir(path.dirname(file), { recursive: true });
  const body = counted(answer.body(MOST_BYTES), (done) => {
    report({ stage: 'download', done, total: Math.max(answer.length ?? 0, done) });
  });
  await pipeline(body, createWriteStream(file), { signal });
  return true;
}

/** Weights under that name may also be a user's own, or untrained: their embeddings are not the published ones. */
function hasPublishedWeights({ clipBundle: { manifest } }: Engine): boolean {
  if (manifest.source?.weights !== 'hub') return false;
  return catalog().some(({ kind, name }) => kind === 'clip' && name === manifest.name);
}
