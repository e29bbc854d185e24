/** Which bundle a model's name or a folder means. */
import os from 'node:os';
import path from 'node:path';
import { nearest } from '../arguments/nearest';
import { show } from '../arguments/show';
import { InterrogatorError } from '../errors';
import { bundleHome } from '../files/cache-folder';
import { isThere } from '../files/is-there';
import { type BundleOf, bundleFolderName, readBundle } from './bundle';
import { type BundleKind, type CatalogEntry, catalog, findEntry, PACKAGE_MODELS } from './catalog';
import { type Graph, readGraph } from './graph';
import { installedBundles, shortName } from './installed';
import { type Manifest, withGraph } from './manifest';
import { type Fetching, type Needed, obtain, publishedBundle } from './published';
import { tokenizerRepository } from './tokenizers';
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
  // White space comes along with what is copied from somewhere.
  const name = given.trim();
  const named = namedFolder(name);
  const homes = [...(searchFolder === null ? [] : [searchFolder]), bundleHome(), PACKAGE_MODELS];
  const folders = named === undefined ? homes.map((home) => path.join(home, bundleFolderName(name))) : [named];
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

/** ERR_MODEL_UNKNOWN, with the nearest names. Without a kind, any model was meant. */
export async function unknownModel(kind: BundleKind | undefined, name: string): Promise<InterrogatorError> {
  const error = (message: string, ...hints: (string | false | undefined)[]): InterrogatorError =>
    new InterrogatorError('ERR_MODEL_UNKNOWN', message, { hint: hints.filter(Boolean).join('\n') });
  const isMeant = (model: { kind: BundleKind }): boolean => kind === undefined || model.kind === kind;
  const bundles = await installedBundles();
  const installed = new Set(
    bundles.filter(isMeant).map((bundle) => (bundleFolderName(bundle.name) === shortName(bundle) ? bundle.name : shortName(bundle))),
  );
  const list = 'List the names with: npx torch-interrogator models';
  const what = kind === undefined ? 'model' : `${kind === 'clip' ? 'CLIP' : kind} model`;
  const known = catalog().filter(isMeant);
  if (known.some((model) => model.name === name)) return error(`The ${what} ${name} is not supported by this version.`, list);
  const unknown = `There is no ${what} called ${show(name)}`;
  const other = [...catalog(), ...bundles].find((model) => model.name === name);
  if (other) {
    return error(
      `${unknown}: it is a ${other.kind} model.`,
      other.kind === 'clip' ? 'Give it as clipModelName, or --clip.' : 'Give it as captionModelName, or --caption.',
    );
  }
  if (await isThere(path.resolve(name, 'manifest.json'))) return error(`${unknown}, but a folder.`, `For the folder give ./${name}`);
  const supported = known.filter((model) => model.graph).map((model) => model.name);
  const ofArchitecture = supported.filter((each) => each.startsWith(`${name.replace(/[/:,\s].*$/, '')}/`));
  if (ofArchitecture.length > 0) {
    const [likely = ofArchitecture[0]] = nearest(name, ofArchitecture, 1);
    return error(
      `${unknown}. A CLIP model's name is ARCHITECTURE/TAG.`,
      `Names of this architecture: ${ofArchitecture.join(', ')}.`,
      `Fetch one with: npx torch-interrogator pull ${likely}`,
      list,
    );
  }
  const near = nearest(name, [...new Set([...supported, ...installed])], 3);
  const [first] = near;
  return error(
    `${unknown}.`,
    first && `Nearest names: ${near.join(', ')}.`,
    first && !installed.has(first) && `Fetch one with: npx torch-interrogator pull ${first}`,
    list,
  );
}
