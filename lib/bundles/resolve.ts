/** Which bundle a model's name or a folder means. */
import os from 'node:os';
import path from 'node:path';
import { InterrogatorError } from '../errors';
import { bundleHome } from '../files/cache-folder';
import { isThere } from '../files/is-there';
import { type BundleOf, bundleFolderName, readBundle } from './bundle';
import { type BundleKind, type CatalogEntry, findEntry, PACKAGE_MODELS, withoutBlanks } from './catalog';
import { type Graph, readGraph } from './graph';
import { type Manifest, withGraph } from './manifest';
import { type Fetching, type Needed, obtain, publishedBundle } from './published';
import { tokenizerRepository } from './tokenizers';
import { unknownModel } from './unknown-model';
import { untrainedBundle } from './untrained';

/** Where a model is to be had: a bundle that is here, or an entry of the catalog whose weights may have to be fetched. */
export type Located<K extends BundleKind> = { bundle: BundleOf<K> } | { entry: CatalogEntry; graph: Graph };

/**
 * Finds what a model's name or a folder means, without a request. A folder is absolute or begins with `./`, `../` or `~/`; anything else
 * is a name, whatever lies in the working directory. A name is looked for in `searchFolder` (a bundle, or a folder of bundles), in the
 * bundle home, among the package's own models, and at last in the catalog.
 * Throws ERR_MODEL_UNKNOWN with the nearest names, and what readBundle throws.
 */
export async function locateModel<K extends BundleKind>(kind: K, given: string, searchFolder: string | null): Promise<Located<K>> {
  // White space comes along with what is copied from somewhere. Of a bundle of the user's own it may be a part of the name.
  const name = given.trim();
  const spellings = [...new Set([name, withoutBlanks(name)])];
  const named = namedFolder(name);
  const homes = [...(searchFolder === null ? [] : [searchFolder]), bundleHome(), PACKAGE_MODELS];
  const folders = named === undefined ? homes.flatMap((home) => spellings.map((each) => path.join(home, bundleFolderName(each)))) : [named];
  for (const folder of [...(named === undefined && searchFolder !== null ? [searchFolder] : []), ...folders]) {
    for (const candidate of [folder, path.join(folder, kind)]) {
      if (await isThere(path.join(candidate, 'manifest.json'))) {
        // A folder with both kinds in it has one in each subfolder, so the other kind here is the caller's mistake.
        return { bundle: await readBundle(candidate, kind) };
      }
    }
  }
  if (named === undefined) {
    const entry = findEntry(kind, name);
    if (entry?.graph) return { entry, graph: await readGraph(entry.graph) };
    const untrained = kind === 'clip' ? await untrainedBundle(name) : undefined;
    if (untrained) return { bundle: untrained as BundleOf<K> };
    throw await unknownModel(kind, name);
  }
  if (!(await isThere(named)))
    throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `There is no folder ${named}.`, { hint: 'Check the path.' });
  throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `The folder ${named} holds no ${kind} bundle.`, {
    hint: 'A bundle is a folder with a manifest.json, as `torch-interrogator import` and `export` write it.',
  });
}

/** What of a model is kept by the hub. */
export function neededBy<K extends BundleKind>(located: Located<K>): Needed {
  if ('entry' in located) return { name: located.entry.name, entry: located.entry, tokenizer: tokenizerRepository(located.graph) };
  const { name, tokenizer } = located.bundle.manifest;
  return { name, tokenizer: tokenizer.repository };
}

/** The bundle itself; what of it is not on this machine is fetched where it may be. Throws what obtain() throws. */
export async function openLocated<K extends BundleKind>(located: Located<K>, fetching: Fetching): Promise<BundleOf<K>> {
  const { weights, tokenizer } = await obtain(neededBy(located), fetching);
  if ('bundle' in located) return tokenizer === undefined ? located.bundle : { ...located.bundle, tokenizer };
  const { entry, graph } = located;
  return publishedBundle(entry, graph, { weights: weights as string, ...(tokenizer !== undefined && { tokenizer }) }) as Promise<
    BundleOf<K>
  >;
}

/** What describes the networks, whose weights may not be here yet. */
export function manifestOf<K extends BundleKind>(located: Located<K>): BundleOf<K>['manifest'] {
  if ('bundle' in located) return located.bundle.manifest;
  const { entry, graph } = located;
  return withGraph(graph, { name: entry.name, kind: entry.kind } as Partial<Manifest>) as BundleOf<K>['manifest'];
}

/** Both at once, for a model that must be here. */
export async function resolveBundle<K extends BundleKind>(kind: K, name: string, searchFolder: string | null): Promise<BundleOf<K>> {
  return openLocated(await locateModel(kind, name, searchFolder), { download: false });
}

/** The folder that a name says it is; undefined for a model's name. */
function namedFolder(name: string): string | undefined {
  if (/^~([\\/]|$)/.test(name)) return path.join(os.homedir(), name.slice(1));
  return path.isAbsolute(name) || /^\.{1,2}([\\/]|$)/.test(name) ? path.resolve(name) : undefined;
}
