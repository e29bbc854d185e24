/** Ready label embeddings from the network, as the reference fetches them: a saving, never a need. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { debuglog } from 'node:util';
import { catalog } from '../bundles/catalog';
import type { Engine } from '../engine/engine';
import type { ReportProgress } from '../engine/progress';
import { throwIfAborted } from '../errors';
import type { NativeLabelMatrix } from '../native/types';
import { seal } from './label-file';

const CONNECT_TIMEOUT_MS = 5000;
const debug = debuglog('torch-interrogator');

/** Engines that could not reach the network once are not made to wait again for every table. */
const unreachable = new WeakSet<Engine>();

export interface DownloadOptions {
  /** The file to make. */
  file: string;
  hash: string;
  signal: AbortSignal;
  report: ReportProgress;
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
  try {
    if (!(await fetchInto(engine, url, partial, signal, report))) return undefined;
    const matrix = await engine.binding.openLabelMatrix(partial, { hash, dim: engine.clipBundle.manifest.embedDim });
    await seal(partial, file, signal);
    return matrix;
  } catch (error) {
    throwIfAborted(signal);
    debug('%s was not used: %s', url, error);
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

async function fetchInto(engine: Engine, url: URL, file: string, signal: AbortSignal, report: ReportProgress): Promise<boolean> {
  const response = await connect(engine, url, signal);
  if (!response?.ok || !response.body) {
    debug('%s answered %s', url, response?.status);
    await response?.body?.cancel();
    return false;
  }
  const total = Number(response.headers.get('content-length')) || 0;
  await mkdir(path.dirname(file), { recursive: true });
  await pipeline(
    Readable.fromWeb(response.body as ReadableStream),
    (chunks: AsyncIterable<Uint8Array>) => counted(chunks, total, report),
    createWriteStream(file),
    { signal },
  );
  return true;
}

async function* counted(chunks: AsyncIterable<Uint8Array>, total: number, report: ReportProgress): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of chunks) {
    done += chunk.length;
    report({ stage: 'download', done, total: Math.max(total, done) });
    yield chunk;
  }
}

/** The response's head, within the connect timeout; the body may take longer. */
async function connect(engine: Engine, url: URL, signal: AbortSignal): Promise<Response | undefined> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new Error('no answer in time')), CONNECT_TIMEOUT_MS);
  try {
    return await fetch(url, { signal: AbortSignal.any([signal, timeout.signal]) });
  } catch (error) {
    throwIfAborted(signal);
    unreachable.add(engine);
    debug('%s cannot be reached: %s', url, error);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}
