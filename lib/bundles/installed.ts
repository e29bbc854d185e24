/** Which bundles are on this machine. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { bundleHome } from '../files/cache-folder';
import { type Bundle, readBundle } from './bundle';
import { type BundleKind, PACKAGE_MODELS } from './catalog';

/** A bundle that a name can reach. */
export interface InstalledBundle {
  kind: BundleKind;
  name: string;
  folder: string;
}

/** Every readable bundle in the bundle home and in the package's models. */
export async function installedBundles(): Promise<InstalledBundle[]> {
  return (await readableBundles()).map(({ folder, manifest: { kind, name } }) => ({ kind, name, folder }));
}

/** The same bundles whole, in the order in which a name is looked for. */
export async function readableBundles(): Promise<Bundle[]> {
  const folders: string[] = [];
  for (const home of [bundleHome(), PACKAGE_MODELS]) {
    for (const name of await folderNames(home)) {
      const folder = path.join(home, name);
      folders.push(folder, path.join(folder, 'clip'), path.join(folder, 'caption'));
    }
  }
  const bundles = await Promise.all(folders.map((folder) => readBundle(folder).catch(() => undefined)));
  return bundles.filter((bundle) => bundle !== undefined);
}

/** The name that resolves to a folder: of `models/sample/clip`, `sample`. */
export function shortName({ folder, kind }: Pick<InstalledBundle, 'folder' | 'kind'>): string {
  return path.basename(path.basename(folder) === kind ? path.dirname(folder) : folder);
}

async function folderNames(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  // What begins with a dot is being written.
  return entries.filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink())).map(({ name }) => name);
}
