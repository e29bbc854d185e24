/** Weights and tokenizer of a name, fetched before they are needed. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { type CallOptions, callOptions, NO_OPTIONS, textOf } from '../arguments';
import { type Bundle, knownFiles } from '../bundles/bundle';
import { type Architecture, type BundleKind, type CatalogEntry, findModel, withoutBlanks } from '../bundles/catalog';
import { readGraph } from '../bundles/graph';
import { readableBundles, shortName } from '../bundles/installed';
import { declaredDigests, findWeights, forgetDamaged, obtain, refetchWeights, sumOf, weightFiles } from '../bundles/published';
import { damagedTokenizerFiles, fetchTokenizer, findTokenizer, tokenizerRepository } from '../bundles/tokenizers';
import { unknownModel } from '../bundles/unknown-model';
import { trainedNames, untrainedArchitecture } from '../bundles/untrained';
import { digestsOf, verifyFiles } from '../bundles/verify';
import { InterrogatorError, throwIfAborted } from '../errors';

/** A model whose weights are on this machine. */
export interface PulledModel {
  kind: BundleKind;
  name: string;
  /**
   * Absolute path of the weights: one file, or the index of several; of a bundle that holds its own, the folder; of a name without a tag,
   * its tokenizer's folder.
   */
  file: string;
  /** The size of all files that hold its tensors; for a name without a tag, that of its tokenizer. */
  bytes: number;
}

type Fetched = Pick<CallOptions, 'signal' | 'onProgress'>;

/** See pullModel() of this folder's index. */
export async function pullModel(given: string, options: CallOptions = {}): Promise<PulledModel> {
  const { signal, onProgress } = callOptions('pullModel', options, NO_OPTIONS);
  throwIfAborted(signal);
  const name = textOf('name', given).trim();
  const entry = findModel(name);
  if (!entry) return unpublishedModel(name, { signal, onProgress });
  const fetching = { download: true, signal, ...(onProgress && { report: onProgress }) };
  const tokenizer = tokenizerRepository(await readGraph(entry.graph as string));
  if (tokenizer !== undefined) await mendTokenizer(entry.name, tokenizer, { signal, onProgress });
  const damaged = await damagedFiles(entry, signal);
  const progress = { signal, onProgress: sumOf(entry.name, onProgress) };
  const refetched = damaged.length === 0 ? undefined : await refetchWeights(entry, damaged, progress);
  const { weights } = await obtain({ name: entry.name, entry, tokenizer }, fetching);
  // Beside a damaged file that another program keeps, the new one is what counts.
  const file = refetched ?? (weights as string);
  const sizes = await Promise.all((await weightFiles(file)).map((each) => stat(each)));
  return { kind: entry.kind, name: entry.name, file, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}

/** Fetches damaged files of a tokenizer again: without one of them it may be found all the same. */
async function mendTokenizer(name: string, repository: string, { signal, onProgress }: Fetched): Promise<void> {
  const folder = await findTokenizer(repository);
  const damaged = folder === undefined ? [] : await damagedTokenizerFiles(folder);
  if (damaged.length === 0) return;
  await forgetDamaged(repository, damaged, signal);
  await fetchTokenizer(repository, { signal, onProgress: sumOf(name, onProgress) });
}

/** A bundle that is here, or random weights: of both the tokenizer alone may have to be fetched. Throws ERR_MODEL_UNKNOWN for other names. */
async function unpublishedModel(name: string, fetched: Fetched): Promise<PulledModel> {
  const bundles = await readableBundles();
  for (const spelt of [name, withoutBlanks(name)]) {
    const bundle = bundles.find(({ folder, manifest }) => manifest.name === spelt || shortName({ folder, kind: manifest.kind }) === spelt);
    if (bundle) return installedModel(bundle, spelt, fetched);
  }
  const untrained = untrainedArchitecture(name);
  if (untrained) return untrainedModel(untrained, fetched);
  throw await unknownModel(undefined, name);
}

/** Throws ERR_MODEL_UNKNOWN where there is nothing to fetch. */
async function untrainedModel(architecture: Architecture, fetched: Fetched): Promise<PulledModel> {
  const name = `${architecture.name}/`;
  const repository = tokenizerRepository(await readGraph(architecture.graph as string));
  if (repository === undefined) {
    throw new InterrogatorError('ERR_MODEL_UNKNOWN', `${name} names no weights, so that there is nothing to fetch: the model is random.`, {
      hint: trainedNames(architecture),
    });
  }
  const folder = await pullTokenizer(name, repository, fetched);
  const sizes = await Promise.all((await readdir(folder)).map((file) => stat(path.join(folder, file))));
  return { kind: 'clip', name, file: folder, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}

/** The folder of a tokenizer, whose damaged files are fetched again. */
async function pullTokenizer(name: string, repository: string, { signal, onProgress }: Fetched): Promise<string> {
  await mendTokenizer(name, repository, { signal, onProgress });
  const fetching = { download: true, signal, ...(onProgress && { report: onProgress }) };
  return (await obtain({ name, tokenizer: repository }, fetching)).tokenizer as string;
}

/** Throws what verifyFiles() does where its files are gone. */
async function installedModel(bundle: Bundle, name: string, fetched: Fetched): Promise<PulledModel> {
  await verifyFiles(bundle, { hashes: false });
  const { repository } = bundle.manifest.tokenizer;
  if (repository !== undefined) await pullTokenizer(name, repository, fetched);
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
