/** Every model that a name can mean, with what of it is on this machine. */
import path from 'node:path';
import { readBundle } from '../bundles/bundle';
import { type CatalogEntry, catalog } from '../bundles/catalog';
import { type InstalledBundle, installedBundles } from '../bundles/installed';
import { findWeights } from '../bundles/published';
import { verifyFiles } from '../bundles/verify';

/** A model of the catalog, or a bundle of the user's own, of which the catalog says nothing. */
export type ModelStatus = Pick<InstalledBundle, 'kind' | 'name'> &
  Partial<Omit<CatalogEntry, 'kind' | 'name'>> & {
    /** Absolute path of its bundle's folder, or of its weights; null where they are not on this machine. */
    installed: string | null;
    /** Whether it runs now: it is installed, and this version runs it. */
    runnable: boolean;
  };

/** See modelStatuses() of this folder's index. */
export async function modelStatuses(): Promise<ModelStatus[]> {
  const bundles = await installedBundles();
  // A file that was imported may be gone since.
  const whole = await Promise.all(bundles.map(({ folder }) => isWhole(folder)));
  const runnable = new Set(bundles.filter((_, i) => whole[i]).map(({ folder }) => folder));
  const key = ({ kind, name }: Pick<ModelStatus, 'kind' | 'name'>): string => `${kind} ${name}`;
  const folders = new Map(bundles.map((bundle) => [key(bundle), bundle.folder]));
  const known = catalog().map(async (entry): Promise<ModelStatus> => {
    const installed = folders.get(key(entry)) ?? (await findWeights(entry)) ?? null;
    const runs = installed !== null && (folders.has(key(entry)) ? runnable.has(installed) : entry.graph !== null);
    return { ...entry, installed, runnable: runs };
  });
  const names = new Set(catalog().map(key));
  const own = [...folders].filter(([name]) => !names.has(name));
  return [
    ...(await Promise.all(known)),
    ...own.map(([name, folder]): ModelStatus => {
      const [kind, ...words] = name.split(' ');
      return { kind: kind as ModelStatus['kind'], name: words.join(' '), installed: path.resolve(folder), runnable: runnable.has(folder) };
    }),
  ];
}

async function isWhole(folder: string): Promise<boolean> {
  return readBundle(folder)
    .then((bundle) => verifyFiles(bundle, { hashes: false }))
    .then(
      () => true,
      () => false,
    );
}
