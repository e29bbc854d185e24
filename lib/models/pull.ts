/** Weights and tokenizer of a name, fetched before they are needed. */
import { realpath, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { type CallOptions, callOptions, NO_OPTIONS, textOf } from '../arguments';
import { type BundleKind, type CatalogEntry, catalog } from '../bundles/catalog';
import { readGraph } from '../bundles/graph';
import { installedBundles } from '../bundles/installed';
import { declaredDigests, fetchWeights, findWeights, obtain, sumOf, weightFiles } from '../bundles/published';
import { unknownModel } from '../bundles/resolve';
import { declaredTokenizerFiles, findTokenizer, tokenizerRepository } from '../bundles/tokenizers';
import { digestsOf } from '../bundles/verify';
import { InterrogatorError, throwIfAborted } from '../errors';

/** A model of the catalog whose weights are on this machine. */
export interface PulledModel {
  kind: BundleKind;
  name: string;
  /** Absolute path of the weights in the hub's cache: one file, or the index of several. */
  file: string;
  /** Of all files that hold its tensors. */
  bytes: number;
}

/** See pullModel() of this folder's index. */
export async function pullModel(name: string, options: CallOptions = {}): Promise<PulledModel> {
  const { signal, onProgress } = callOptions('pullModel', options, NO_OPTIONS);
  throwIfAborted(signal);
  const entry = await entryOf(textOf('name', name));
  const fetching = { download: true, signal, ...(onProgress && { report: onProgress }) };
  const tokenizer = tokenizerRepository(await readGraph(entry.graph as string));
  if (tokenizer !== undefined) await removeDamagedTokenizer(tokenizer, signal);
  const isSound = await removeDamaged(entry, signal);
  const { weights } = await obtain({ name: entry.name, entry, tokenizer }, fetching);
  const file = isSound ? (weights as string) : await fetchWeights(entry, { signal, onProgress: sumOf(entry.name, onProgress) });
  const sizes = await Promise.all((await weightFiles(file)).map((each) => stat(each)));
  return { kind: entry.kind, name, file, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}

/** The same of its tokenizer; it is small. */
async function removeDamagedTokenizer(repository: string, signal: AbortSignal | undefined): Promise<void> {
  const folder = await findTokenizer(repository);
  if (folder === undefined) return;
  const declared = await declaredTokenizerFiles(folder);
  const digests = await digestsOf(
    folder,
    declared.map(({ file }) => file),
    signal,
  );
  for (const [i, { file, sha256 }] of declared.entries()) {
    if (digests[i] !== sha256) for (const each of [await realpath(file), file]) await rm(each, { force: true });
  }
}

/** Throws ERR_MODEL_UNKNOWN for a name that cannot be pulled. */
async function entryOf(name: string): Promise<CatalogEntry> {
  const entry = catalog().find((model) => model.name === name);
  if (entry?.graph) return entry;
  if ((await installedBundles()).some((bundle) => bundle.name === name)) {
    throw new InterrogatorError('ERR_MODEL_UNKNOWN', `${name} is here already, with its weights: there is nothing to fetch.`);
  }
  throw await unknownModel(entry?.kind ?? (name.includes('/') ? 'clip' : 'caption'), name);
}

/**
 * Takes out of the hub's cache what is not what the hub declared. False where a damaged file stays, because another program put it where
 * it is: the hub's, once fetched, goes before it.
 */
async function removeDamaged(entry: CatalogEntry, signal: AbortSignal | undefined): Promise<boolean> {
  const found = await findWeights(entry);
  if (found === undefined) return true;
  const declared = Object.entries(await declaredDigests(entry, found));
  const files = declared.map(([file]) => file);
  const digests = await digestsOf(path.dirname(found), files, signal);
  const damaged = declared.filter(([, { sha256 }], i) => !digests[i]?.startsWith(sha256));
  let isSound = true;
  for (const [file, { sha256 }] of damaged) {
    const stored = await realpath(file);
    if (path.basename(stored) === sha256) for (const each of [stored, file]) await rm(each, { force: true });
    else isSound = false;
  }
  return isSound;
}
