/** Every model that a name can mean, with what of it is on this machine. */
import type { Bundle } from '../bundles/bundle';
import { type Architecture, architectures, type CatalogEntry, catalog } from '../bundles/catalog';
import { parametersOf, readGraph } from '../bundles/graph';
import { type InstalledBundle, readableBundles } from '../bundles/installed';
import { findWeights } from '../bundles/published';
import { findTokenizer, tokenizerRepository } from '../bundles/tokenizers';
import { verifyFiles } from '../bundles/verify';
import { findAddon, hasLibtorch } from '../native/load';

/** A model of the catalog, or a bundle of the user's own, of which less is known. */
export type ModelStatus = Pick<InstalledBundle, 'kind' | 'name'> &
  Partial<Omit<CatalogEntry, 'kind' | 'name'>> & {
    /** Absolute path of its bundle's folder, or of its weights; null where they are not on this machine. */
    installed: string | null;
    /** Whether it runs now: its weights (if it is to have any) and tokenizer, addon and libtorch are here, and this version runs it. */
    runnable: boolean;
  };

/** Bytes in use, of each byte of weights in float32; models/catalog.json counts so too. */
const MEMORY_PER_BYTE = 1.1;

type Named = Pick<ModelStatus, 'kind' | 'name'>;

/** See modelStatuses() of this folder's index. */
export async function modelStatuses(): Promise<ModelStatus[]> {
  const bundles = new Map<string, Bundle>();
  for (const bundle of await readableBundles()) {
    // The first one is what the name means.
    const key = keyOf(bundle.manifest);
    if (!bundles.has(key)) bundles.set(key, bundle);
  }
  const canRun = findAddon() !== null && hasLibtorch();
  const known = catalog().map(async (entry): Promise<ModelStatus> => {
    const bundle = bundles.get(keyOf(entry));
    if (bundle) return { ...entry, ...(await statusOf(bundle, canRun)) };
    const weights = (await findWeights(entry)) ?? null;
    const installed = weights !== null && (await hasTokenizer(entry)) ? weights : null;
    return { ...entry, installed, runnable: canRun && installed !== null && entry.graph !== null };
  });
  const random = architectures().filter(({ tags }) => tags.length === 0);
  const untrained = await Promise.all(random.map((architecture) => untrainedStatus(architecture, canRun)));
  const names = new Set([...catalog(), ...untrained].map(keyOf));
  const own = [...bundles].filter(([key]) => !names.has(key));
  const mine = own.map(async ([, bundle]) => ({ ...ownFacts(bundle), ...(await statusOf(bundle, canRun)) }));
  return Promise.all([...known, ...untrained, ...mine]);
}

/** The status of an architecture that has no published weights: its name without a tag runs random ones. */
async function untrainedStatus({ tags: _, logits: __, ...facts }: Architecture, canRun: boolean): Promise<ModelStatus> {
  const runnable = canRun && facts.graph !== null && (await hasTokenizer(facts));
  return { ...facts, kind: 'clip', name: `${facts.name}/`, installed: null, runnable };
}

/** Weights without their tokenizer are half of a model. */
async function hasTokenizer({ graph }: Pick<CatalogEntry, 'graph'>): Promise<boolean> {
  const repository = graph === null ? undefined : tokenizerRepository(await readGraph(graph));
  return repository === undefined || (await findTokenizer(repository)) !== undefined;
}

/** What is known of a bundle that the catalog does not list, in the catalog's terms. */
function ownFacts({ manifest, graph }: Bundle): Partial<ModelStatus> {
  const parameters = graph && parametersOf(graph);
  const files = Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0);
  const float32 = parameters ? parameters * Float32Array.BYTES_PER_ELEMENT : files;
  const isClip = manifest.kind === 'clip';
  const known = [...catalog(), ...architectures()].find((entry) => manifest.graph && entry.graph === manifest.graph);
  return {
    tower: known?.tower ?? (isClip ? { text: manifest.text.tower } : { family: manifest.family }),
    ...(manifest.graph && { graph: manifest.graph }),
    ...(parameters && { parameters }),
    embedDim: isClip ? manifest.embedDim : null,
    imageSize: (isClip ? manifest.image : manifest.vision).size as CatalogEntry['imageSize'],
    memory: Math.round(float32 * MEMORY_PER_BYTE),
  };
}

function keyOf({ kind, name }: Named): string {
  return `${kind} ${name}`;
}

/** A file that was imported may be gone since, and so may a tokenizer. */
async function statusOf(bundle: Bundle, canRun: boolean): Promise<ModelStatus> {
  const { kind, name, tokenizer } = bundle.manifest;
  const hasFiles = await verifyFiles(bundle, { hashes: false }).then(
    () => true,
    () => false,
  );
  const isWhole = hasFiles && (tokenizer.repository === undefined || (await findTokenizer(tokenizer.repository)) !== undefined);
  return { kind, name, installed: bundle.folder, runnable: canRun && isWhole };
}
