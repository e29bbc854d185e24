/** Models of the catalog whose weights their publishers keep on the hub: what of them is on this machine, and what is fetched. */
import { readFile, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ProgressListener } from '../arguments';
import { hasCode, InterrogatorError, toInterrogatorError } from '../errors';
import { isThere } from '../files/is-there';
import { cachedFile, declaredContent, fetchFiles, forget, hubCacheFolder, isOffline, repositoryInfo } from '../hub';
import type { Bundle } from './bundle';
import type { CatalogEntry } from './catalog';
import type { Graph } from './graph';
import { type Manifest, withGraph } from './manifest';
import { fetchTokenizer, findTokenizer } from './tokenizers';

export interface Fetching {
  /** Whether weights that are not on this machine are fetched. */
  download: boolean;
  signal?: AbortSignal | undefined;
  report?: ProgressListener;
}

/** Bytes of a file so far, and in all. */
export interface Progress {
  signal?: AbortSignal | undefined;
  onProgress: (file: string, done: number, total: number) => void;
}

const INDEX = /\.index\.json$/;

/** The file of an entry's weights on this machine: safetensors, an index of shards, or a checkpoint. No request is made. */
export async function findWeights({ repository, files, legacy }: CatalogEntry): Promise<string | undefined> {
  for (const name of files) {
    const file = await cachedFile(repository, name);
    if (file !== undefined && (await isWhole(file))) return file;
  }
  // Where open_clip kept what it fetched from OpenAI itself, before it used the hub.
  const older = legacy && path.join(os.homedir(), '.cache', 'clip', legacy.file);
  return older && (await isThere(older)) ? older : undefined;
}

/** What a model needs of the hub: of one of the catalog its weights; of some a tokenizer, which may be all that is needed. */
export interface Needed {
  name: string;
  entry?: CatalogEntry | undefined;
  /** The repository of its tokenizer. */
  tokenizer?: string | undefined;
}

/** Where it is on this machine. */
export interface Obtained {
  weights?: string;
  /** The tokenizer's folder. */
  tokenizer?: string;
}

/** What is not there is fetched. Throws what requireAll() throws, ERR_NETWORK, ERR_IO, AbortError. */
export async function obtain(needed: Needed, fetching: Fetching): Promise<Obtained> {
  await requireAll([needed], fetching);
  const { name, entry, tokenizer } = needed;
  const progress = { signal: fetching.signal, onProgress: sumOf(name, fetching.report) };
  const toFetch = (what: string, repository: string) => (cause: unknown) => {
    throw notFetched(`The ${what} of ${name} (${repository})`, name, cause);
  };
  // The smaller first: what is wrong with a connection shows early.
  return {
    ...(tokenizer !== undefined && {
      tokenizer: (await findTokenizer(tokenizer)) ?? (await fetchTokenizer(tokenizer, progress).catch(toFetch('tokenizer', tokenizer))),
    }),
    ...(entry && {
      weights: (await findWeights(entry)) ?? (await fetchWeights(entry, progress).catch(toFetch('weights', entry.repository))),
    }),
  };
}

/** What the network was asked for, and by which command it can be had later; anything else as it is. */
function notFetched(what: string, name: string, cause: unknown): unknown {
  if (!hasCode(cause, 'ERR_NETWORK')) return cause;
  const { problem, hint } = toInterrogatorError(cause);
  return new InterrogatorError('ERR_NETWORK', `${what} cannot be fetched: ${problem}`, {
    hint: [hint, `Fetch it later with: npx torch-interrogator pull ${name}`].filter(Boolean).join('\n'),
    cause,
  });
}

/**
 * Throws ERR_WEIGHTS_NOT_FOUND where weights are not on this machine and may not be fetched, with the names of all such models, and
 * ERR_TOKENIZER where only a tokenizer is missing.
 */
export async function requireAll(needed: readonly Needed[], { download }: Pick<Fetching, 'download'>): Promise<void> {
  if (download && !isOffline()) return;
  const weights: string[] = [];
  const tokenizers: Needed[] = [];
  for (const each of needed) {
    if (each.entry && (await findWeights(each.entry)) === undefined) weights.push(each.name);
    if (each.tokenizer !== undefined && (await findTokenizer(each.tokenizer)) === undefined) tokenizers.push(each);
  }
  if (weights.length === 0 && tokenizers.length === 0) return;
  const why = isOffline() ? 'HF_HUB_OFFLINE is set' : 'download is false (--no-download)';
  const missing = [
    weights.length > 0 && `the weights of ${weights.join(' and ')}`,
    tokenizers.length > 0 && `the tokenizer of ${tokenizers.map(({ name, tokenizer }) => `${name} (${tokenizer})`).join(' and of ')}`,
  ].filter((part) => part !== false);
  const isOne = weights.length === 0 && tokenizers.length === 1;
  const [are, they, them] = isOne ? ['is', 'it is', 'it'] : ['are', 'they are', 'them'];
  const fault = `${missing.join(', and ')} ${are} not in ${hubCacheFolder()}, and ${they} not fetched because ${why}.`;
  const names = [...new Set([...weights, ...tokenizers.map(({ name }) => name)])];
  throw new InterrogatorError(weights.length > 0 ? 'ERR_WEIGHTS_NOT_FOUND' : 'ERR_TOKENIZER', `T${fault.slice(1)}`, {
    hint:
      `Fetch ${them}, where there is a network, with: npx torch-interrogator pull ${names.join(' ')}\n` +
      'Until then the sample pair is there: --clip sample --caption sample',
  });
}

/** Fetches an entry's weights into the hub's cache, with what Python needs to find them there. Resolves with the file to open. */
export async function fetchWeights(
  { name, repository, files, extra = [] }: CatalogEntry,
  { signal, onProgress }: Progress,
): Promise<string> {
  const { commit, files: published } = await repositoryInfo(repository, { signal });
  const chosen = files.find((file) => published.includes(file));
  if (chosen === undefined) {
    throw new InterrogatorError('ERR_NETWORK', `The hub's ${repository}, where ${name} is published, has none of ${files.join(', ')}.`, {
      hint: 'Check HF_ENDPOINT, or get the weights by other means and run: npx torch-interrogator import',
    });
  }
  // All of one commit, which the cache knows as the newest only when all is there.
  const options = { revision: commit, signal, onProgress };
  const beside = extra.filter((file) => published.includes(file));
  const shards: string[] = [];
  if (INDEX.test(chosen)) {
    // Its few kilobytes are no progress: what there is to fetch is known when it is here.
    const [index] = (await fetchFiles(repository, [chosen], { ...options, onProgress: undefined })) as [string];
    shards.push(...(await shardNames(index)));
  }
  const [file] = (await fetchFiles(repository, [chosen, ...shards, ...beside], { ...options, ref: 'main' })) as [string, ...string[]];
  return file;
}

/**
 * Fetches an entry's weights in place of damaged ones, which go once the hub has answered. What another program keeps elsewhere stays: the
 * hub's, once fetched, goes before it. Throws ERR_BUNDLE_DAMAGED where nothing may be fetched, and what fetchWeights throws.
 */
export async function refetchWeights(entry: CatalogEntry, damaged: readonly string[], progress: Progress): Promise<string> {
  await forgetDamaged(entry.repository, damaged, progress.signal);
  return fetchWeights(entry, progress);
}

/** Takes damaged files out of the hub's cache, once the hub has answered. Throws ERR_BUNDLE_DAMAGED where nothing may be asked. */
export async function forgetDamaged(repository: string, damaged: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  if (isOffline()) {
    throw new InterrogatorError('ERR_BUNDLE_DAMAGED', `${damaged.join(' and ')} is damaged: its SHA-256 is not the one declared.`, {
      hint: 'HF_HUB_OFFLINE is set, so that it is not fetched again. Unset it where there is a network, or copy the file from another machine.',
    });
  }
  await repositoryInfo(repository, { signal });
  await forget(repository, damaged);
}

/** Tells of several files together, in bytes: one stage a model. */
export function sumOf(name: string, report: ProgressListener | undefined): Progress['onProgress'] {
  const progress = new Map<string, [done: number, total: number]>();
  return (file, done, total) => {
    progress.set(file, [done, total]);
    const all = [...progress.values()];
    report?.({
      stage: `download ${name}`,
      done: all.reduce((sum, [done]) => sum + done, 0),
      total: all.reduce((sum, [, total]) => sum + total, 0),
    });
  };
}

/** A model of the catalog: its graph, its weights in this file, and its tokenizer where that is in a folder of the hub's cache. */
export async function publishedBundle(
  entry: CatalogEntry,
  graph: Graph,
  { weights, tokenizer }: Required<Pick<Obtained, 'weights'>> & Obtained,
): Promise<Bundle> {
  const { kind, name, graph: id, preprocess } = entry;
  const manifest = withGraph(graph, {
    formatVersion: 2,
    kind,
    name,
    graph: id,
    weights,
    files: await declaredDigests(entry, weights),
    source: { weights: 'hub' },
    ...(preprocess && { [kind === 'clip' ? 'image' : 'vision']: preprocess }),
  } as Partial<Manifest>);
  return { folder: path.dirname(weights), manifest: manifest as Manifest, graph, ...(tokenizer !== undefined && { tokenizer }) };
}

/** The hub's cache keeps the SHA-256 of large files; of a file that open_clip left, some digits are known. */
export async function declaredDigests({ repository, legacy }: CatalogEntry, weights: string): Promise<Manifest['files']> {
  const digests: Manifest['files'] = {};
  for (const file of await weightFiles(weights)) {
    const isLegacy = legacy !== undefined && path.basename(file) === legacy.file;
    const declared = isLegacy ? { bytes: (await stat(file)).size, sha256: legacy.sha256 } : await declaredContent(repository, file);
    if (declared) digests[file] = declared;
  }
  return digests;
}

/** The files with tensors: the file itself, or the shards of an index. */
export async function weightFiles(file: string): Promise<string[]> {
  if (!INDEX.test(file)) return [file];
  return (await shardNames(file)).map((name) => path.join(path.dirname(file), name));
}

/** Throws ERR_WEIGHTS_INVALID where the file is no index, or names what is no file beside it. */
async function shardNames(index: string): Promise<string[]> {
  try {
    const { weight_map: map } = JSON.parse(await readFile(index, 'utf8')) as { weight_map: Record<string, string> };
    const names = [...new Set(Object.values(map))].sort();
    const stray = names.find((name) => typeof name !== 'string' || path.basename(name) !== name || name === '..');
    if (names.length === 0 || stray !== undefined) throw new Error(`its weight_map names ${names.length === 0 ? 'nothing' : stray}`);
    return names;
  } catch (cause) {
    throw new InterrogatorError('ERR_WEIGHTS_INVALID', `${index} is no index of weights: ${(cause as Error).message}.`, {
      hint: 'Fetch the whole model again.',
      cause,
    });
  }
}

async function isWhole(file: string): Promise<boolean> {
  if (!INDEX.test(file)) return true;
  const shards = await weightFiles(file).catch(() => undefined);
  return shards !== undefined && (await Promise.all(shards.map(isThere))).every(Boolean);
}
