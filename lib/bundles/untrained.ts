/** Names with an empty tag, `ViT-S-32/`: in the reference they mean random weights, and so they do here. */
import type { Bundle, ClipManifest } from './bundle';
import { architectures, PACKAGE_MODELS } from './catalog';
import { readGraph } from './graph';
import { withGraph } from './manifest';

/** The model of an architecture's name with a slash behind it, with a warning; undefined for any other name. */
export async function untrainedBundle(name: string): Promise<Bundle<ClipManifest> | undefined> {
  if (!name.endsWith('/')) return undefined;
  const architecture = architectures().find((each) => each.name === name.slice(0, -1));
  if (!architecture?.graph) return undefined;
  const { graph: id, preprocess: image, tags } = architecture;
  const graph = await readGraph(id);
  const trained = tags.map((tag) => name + tag);
  const instead = trained.length > 0 ? `Trained weights have: ${trained.join(', ')}.` : 'Nobody has published trained weights of it.';
  process.emitWarning(`${name} names no weights, so that the model is random and its answers say nothing of an image. ${instead}`, {
    type: 'TorchInterrogatorWarning',
    code: 'UNTRAINED_WEIGHTS',
  });
  const own = { formatVersion: 2 as const, kind: 'clip' as const, name, graph: id, files: {}, source: { weights: 'untrained' } };
  const manifest = withGraph(graph, { ...own, ...(image && { image }) } as Partial<ClipManifest>) as ClipManifest;
  return { folder: PACKAGE_MODELS, manifest, graph };
}
