/** Weights and tokenizer of a name, fetched before they are needed. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type CallOptions, callOptions, NO_OPTIONS, textOf } from '../arguments';
import { knownFiles } from '../bundles/bundle';
import { type BundleKind, type CatalogEntry, catalog } from '../bundles/catalog';
import { readGraph } from '../bundles/graph';
import { readableBundles, shortName } from '../bundles/installed';
import { declaredDigests, findWeights, forgetDamaged, obtain, refetchWeights, sumOf, weightFiles } from '../bundles/published';
import { unknownModel } from '../bundles/resolve';
import { declaredTokenizerFiles, findTokenizer, tokenizerRepository } from '../bundles/tokenizers';
import { digestsOf, verifyFiles } from '../bundles/verify';
import { throwIfAborted } from '../errors';

/** A model whose weights are on this machine. */
export interface PulledModel {
  kind: BundleKind;
  name: string;
  /** Absolute path of the weights: one file, or the index of several; of a bundle that holds its own, the folder. */
  file: string;
  /** Of all files that hold its tensors. */
  bytes: number;
}

/** See pullModel() of this folder's index. */
export async function pullModel(given: string, options: CallOptions = {}): Promise<PulledModel> {
  const { signal, onProgress } = callOptions('pullModel', options, NO_OPTIONS);
  throwIfAborted(signal);
  const name = textOf('name', given).trim();
  const entry = findPublished(name);
  if (!entry) return installedModel(name);
  const fetching = { download: true, signal, ...(onProgress && { report: onProgress }) };
  const tokenizer = tokenizerRepository(await readGraph(entry.graph as string));
  if (tokenizer !== undefined) await forgetDamagedTokenizer(tokenizer, signal);
  const damaged = await damagedFiles(entry, signal);
  const progress = { signal, onProgress: sumOf(entry.name, onProgress) };
  const refetched = damaged.length === 0 ? undefined : await refetchWeights(entry, damaged, progress);
  const { weights } = await obtain({ name: entry.name, entry, tokenizer }, fetching);
  // Beside a damaged file that another program keeps, the new one is what counts.
  const file = refetched ?? (weights as string);
  const sizes = await Promise.all((await weightFiles(file)).map((each) => stat(each)));
  return { kind: entry.kind, name, file, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}

/** The same of its tokenizer; it is small. */
async function forgetDamagedTokenizer(repository: string, signal: AbortSignal | undefined): Promise<void> {
  const folder = await findTokenizer(repository);
  if (folder === undefined) return;
  const declared = await declaredTokenizerFiles(folder);
  const files = declared.map(({ file }) => file);
  const digests = await digestsOf(folder, files, signal);
  const damaged = files.filter((_, i) => digests[i] !== declared[i]?.sha256);
  if (damaged.length > 0) await forgetDamaged(repository, damaged, signal);
}

function findPublished(name: string): CatalogEntry | undefined {
  return catalog().find((model) => model.name === name && model.graph !== null);
}

/** A bundle that is here, of which nothing is to be fetched. Throws ERR_MODEL_UNKNOWN where there is none, and where its files are gone. */
async function installedModel(name: string): Promise<PulledModel> {
  const bundle = (await readableBundles()).find(
    ({ folder, manifest }) => manifest.name === name || shortName({ folder, kind: manifest.kind }) === name,
  );
  if (!bundle) throw await unknownModel(undefined, name);
  await verifyFiles(bundle, { hashes: false });
  const bytes = knownFiles(bundle).reduce((sum, file) => sum + file.bytes, 0);
  const { kind, weights } = bundle.manifest;
  return { kind, name, file: weights ? path.resolve(bundle.folder, weights) : bundle.folder, bytes };
}

/** Files of the weights that are not what the hub declared. */
async function damagedFiles(entry: CatalogEntry, signal: AbortSignal | undefined): Promise<string[]> {
  const found = await findWeights(entry);
  if (found === undefined) return [];
  const declared = Object.entries(await declaredDigests(entry, found));
  const files = declared.map(([file]) => file);
  const digests = await digestsOf(path.dirname(found), files, signal);
  return files.filter((_, i) => !digests[i]?.startsWith(declared[i]?.[1].sha256 as string));
}
