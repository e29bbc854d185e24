/** Bundles on disk: which folder a model's name means, and what its manifest says. See docs/bundle-format.md. */
import { readdir, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { nearest } from '../arguments/nearest';
import { show } from '../arguments/show';
import { InterrogatorError } from '../errors';
import { bundleHome } from '../files/cache-folder';
import { type BundleKind, catalog, PACKAGE_MODELS } from './catalog';
import { type Manifest, readManifest } from './manifest';

export type { BundleKind } from './catalog';
export type { CaptionManifest, ClipManifest } from './manifest';

export interface Bundle<M extends Manifest = Manifest> {
  /** Absolute path. */
  folder: string;
  manifest: M;
}

type BundleOf<K extends BundleKind> = Bundle<Extract<Manifest, { kind: K }>>;

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
  const manifest = await readManifest(folder);
  if (kind && manifest.kind !== kind) {
    throw new InterrogatorError('ERR_BUNDLE_KIND', `${folder} is a ${manifest.kind} bundle; a ${kind} bundle is needed here.`);
  }
  return { folder: path.resolve(folder), manifest } as BundleOf<K>;
}

/**
 * Finds the bundle that a model's name or a folder means. A folder is absolute or begins with `./`, `../` or `~/`; anything else is a
 * name, whatever lies in the working directory. A name is looked for in `searchFolder` (a bundle, or a folder of bundles), in the
 * bundle home and in the package's own models.
 * Throws ERR_MODEL_UNKNOWN with the nearest names, and what readBundle throws.
 */
export async function resolveBundle<K extends BundleKind>(kind: K, name: string, searchFolder: string | null): Promise<BundleOf<K>> {
  const named = namedFolder(name);
  const homes = [...(searchFolder === null ? [] : [searchFolder]), bundleHome(), PACKAGE_MODELS];
  const folders = named === undefined ? homes.map((home) => path.join(home, bundleFolderName(name))) : [named];
  for (const folder of [...(named === undefined && searchFolder !== null ? [searchFolder] : []), ...folders]) {
    for (const candidate of [folder, path.join(folder, kind)]) {
      if (await exists(path.join(candidate, 'manifest.json'))) {
        // A folder with both kinds in it has one in each subfolder, so the other kind here is the caller's mistake.
        return readBundle(candidate, kind);
      }
    }
  }
  if (named === undefined) throw await unknownModel(kind, name);
  if (!(await exists(named)))
    throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `There is no folder ${named}.`, { hint: 'Check the path.' });
  throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `The folder ${named} holds no ${kind} bundle.`, {
    hint: 'A bundle is a folder with a manifest.json, as `torch-interrogator export` writes it.',
  });
}

/** The folder that a name says it is; undefined for a model's name. */
function namedFolder(name: string): string | undefined {
  if (/^~([\\/]|$)/.test(name)) return path.join(os.homedir(), name.slice(1));
  return path.isAbsolute(name) || /^\.{1,2}([\\/]|$)/.test(name) ? path.resolve(name) : undefined;
}

/** A bundle that a name can reach. */
export interface InstalledBundle {
  kind: BundleKind;
  name: string;
  folder: string;
}

/** Every readable bundle in the bundle home and in the package's models. */
export async function installedBundles(): Promise<InstalledBundle[]> {
  const folders: string[] = [];
  for (const home of [bundleHome(), PACKAGE_MODELS]) {
    for (const name of await folderNames(home)) {
      const folder = path.join(home, name);
      folders.push(folder, path.join(folder, 'clip'), path.join(folder, 'caption'));
    }
  }
  const bundles = await Promise.all(folders.map((folder) => readBundle(folder).catch(() => undefined)));
  return bundles.flatMap((bundle) => (bundle ? [{ kind: bundle.manifest.kind, name: bundle.manifest.name, folder: bundle.folder }] : []));
}

async function unknownModel(kind: BundleKind, name: string): Promise<InterrogatorError> {
  const error = (message: string, ...hints: (string | false | undefined)[]): InterrogatorError =>
    new InterrogatorError('ERR_MODEL_UNKNOWN', message, { hint: hints.filter(Boolean).join('\n') });
  const bundles = (await installedBundles()).filter((bundle) => bundle.kind === kind);
  const installed = new Set(bundles.flatMap((bundle) => [bundle.name, shortName(bundle)]));
  const known = catalog().filter((model) => model.kind === kind);
  const entry = known.find((model) => model.name === name);
  const list = 'List the names with: npx torch-interrogator models';
  const exportIt = `npx torch-interrogator export ${kind}`;
  if (entry) {
    const there = `Installed: ${[...installed].join(', ') || 'none'}.`;
    if (!entry.supported) return error(`The ${kind} model ${name} is not supported by this version.`, `${there} ${list}`);
    return error(`The ${kind} model ${name} is not installed.`, `Export it with: ${exportIt} ${name}`, there);
  }
  const unknown = `There is no ${kind} model called ${show(name)}`;
  if (await exists(path.resolve(name, 'manifest.json'))) return error(`${unknown}, but a folder.`, `For the folder give ./${name}`);
  const supported = known.filter((model) => model.supported).map((model) => model.name);
  const near = nearest(name, [...new Set([...installed, ...supported])], 3);
  const [first] = near;
  return error(
    `${unknown}.`,
    first && `Nearest names: ${near.join(', ')}.`,
    first && !installed.has(first) && `Export one with: ${exportIt} ${first}`,
    list,
  );
}

/** The name that resolves to a folder: of `models/sample/clip`, `sample`. */
function shortName({ folder, kind }: InstalledBundle): string {
  return path.basename(path.basename(folder) === kind ? path.dirname(folder) : folder);
}

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
