/** Bundles: what a model is at run time. See docs/bundle-format.md. */
import path from 'node:path';
import { InterrogatorError } from '../errors';
import { bundleHome } from '../files/cache-folder';
import type { BundleKind } from './catalog';
import { composeGraph, type Graph, TOKENIZERS } from './graph';
import { type Manifest, readManifest } from './manifest';

export type { BundleKind } from './catalog';
export type { CaptionManifest, ClipManifest } from './manifest';

export interface Bundle<M extends Manifest = Manifest> {
  /** Absolute path of the folder with the manifest. A model of the catalog has no manifest: then of the folder with its weights. */
  folder: string;
  manifest: M;
  /** Present where the weights are a publisher's file. Without it, the modules in the folder hold them. */
  graph?: Graph;
  /** Absolute path of the tokenizer's folder in the hub's cache, where the manifest names a repository and it was found. */
  tokenizer?: string;
}

/** So that label embeddings of a model without training, which are kept on the disk, are its own the next time, too. */
const UNTRAINED_SEED = 0;

export type BundleOf<K extends BundleKind> = Bundle<Extract<Manifest, { kind: K }>>;

/** A bundle's folder name: the model's name with `/` and `@` replaced by `_`. */
export function bundleFolderName(name: string): string {
  return name.replaceAll('/', '_').replaceAll('@', '_');
}

/** The folder in the bundle home where the bundle of a model's name belongs. It may not exist yet. */
export function bundleFolder(name: string): string {
  return path.join(bundleHome(), bundleFolderName(name));
}

/**
 * Reads and checks a bundle's manifest. Throws ERR_BUNDLE_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_BUNDLE_VERSION;
 * ERR_BUNDLE_KIND where it is not of the given kind.
 */
export async function readBundle<K extends BundleKind>(folder: string, kind?: K): Promise<BundleOf<K>> {
  const { manifest, graph } = await readManifest(folder);
  if (kind && manifest.kind !== kind) {
    throw new InterrogatorError('ERR_BUNDLE_KIND', `${folder} is a ${manifest.kind} bundle; a ${kind} bundle is needed here.`);
  }
  return { folder: path.resolve(folder), manifest, ...(graph && { graph }) } as BundleOf<K>;
}

/** What the core opens: a folder, or a graph and the file of its weights; without one, its weights are random. */
export function sourceOf({ folder, manifest, graph }: Bundle): string | { bundle: Uint8Array; weights: string | { seed: number } } {
  if (!graph) return folder;
  const weights = manifest.weights === undefined ? { seed: UNTRAINED_SEED } : path.resolve(folder, manifest.weights);
  return { bundle: composeGraph(graph, manifest), weights };
}

/** The files of a bundle whose size and digest are known, with whole paths. */
export function knownFiles({ folder, manifest }: Bundle): { file: string; bytes: number; sha256: string }[] {
  return Object.entries(manifest.files).map(([name, entry]) => ({ ...entry, file: path.resolve(folder, name) }));
}

/** The folder that holds the bundle's tokenizer. A graph's own is the package's, unless the bundle lists one. */
export function tokenizerFolder({ folder, graph, manifest, tokenizer }: Bundle): string {
  if (tokenizer !== undefined) return tokenizer;
  const { file } = manifest.tokenizer;
  return graph && !(file !== undefined && Object.hasOwn(manifest.files, file)) ? TOKENIZERS : folder;
}
