/** Ready label embeddings from the network, as the reference fetches them: a saving, never a need. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { debuglog } from 'node:util';
import type { ProgressListener } from '../arguments';
import { catalog } from '../bundles/catalog';
import type { Engine } from '../engine/engine';
import { throwIfAborted } from '../errors';
import type { NativeLabelMatrix } from '../native/types';
import { request } from '../net/http';
import { shownUrl } from '../net/shown-url';
import { seal } from './label-file';

/** Who waits for a download that does not go on could long have made the embeddings. */
const IDLE_MS = 5000;
/** The largest table of the reference has 155 MB for the largest model. */
const MOST_BYTES = 2 ** 31;
const debug = debuglog('torch-interrogator');

/** Engines that could not reach the network once are not made to wait again for every table. */
const unreachable = new WeakSet<Engine>();

export interface DownloadOptions {
  /** The file to make. */
  file: string;
  hash: string;
  signal: AbortSignal;
  report: ProgressListener;
}

/**
 * Fetches the file of that name from `config.cacheUrl` where the model is a pretrained one of the catalog.
 * It is checked before it takes its name. Undefined where there is none or it does not fit.
 */
export async function downloadLabels(
  engine: Engine,
  { file, hash, signal, report }: DownloadOptions,
): Promise<NativeLabelMatrix | undefined> {
  if (!engine.config.downloadCache || !hasPublishedWeights(engine) || unreachable.has(engine)) return undefined;
  const url = new URL(path.basename(file), withSlash(engine.config.cacheUrl));
  const partial = `${file}.${randomUUID()}.part`;
  let matrix: NativeLabelMatrix | undefined;
  try {
    if (!(await fetchInto(engine, url, partial, signal, report))) return undefined;
    matrix = await engine.binding.openLabelMatrix(partial, { hash, dim: engine.clipBundle.manifest.embedDim });
    await seal(partial, file, signal);
    return matrix;
  } catch (error) {
    matrix?.close();
    throwIfAborted(signal);
    debug('%s was not used: %s', shownUrl(url), error);
    return undefined;
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
}

/** Weights under that name may also be a user's own, or untrained: their embeddings are not the published ones. */
function hasPublishedWeights({ clipBundle: { manifest } }: Engine): boolean {
  if (manifest.source?.weights !== 'hub') return false;
  return catalog().some(({ kind, name }) => kind === 'clip' && name === manifest.name);
}

async function fetchInto(engine: Engine, url: URL, file: string, signal: AbortSignal, report: ProgressListener): Promise<boolean> {
  const answer = await request(url.href, { signal, idleMs: IDLE_MS }).catch((error: unknown) => {
    throwIfAborted(signal);
    unreachable.add(engine);
    throw error;
  });
  if (answer.status !== 200) {
    debug('%s answered %s', shownUrl(url), answer.statusText);
    answer.discard();
    return false;
  }
  await mkdir(path.dirname(file), { recursive: true });
  let done = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of answer.body(MOST_BYTES)) {
      done += chunk.length;
      report({ stage: 'download', done, total: Math.max(answer.length ?? 0, done) });
      yield chunk;
    }
  };
  await pipeline(counted(), createWriteStream(file), { signal });
  return true;
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
