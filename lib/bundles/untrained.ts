/** Names with an empty tag, `ViT-S-32/`: in the reference they mean random weights, and so they do here. */
import type { Bundle, ClipManifest } from './bundle';
import { type Architecture, findArchitecture, PACKAGE_MODELS, withoutBlanks } from './catalog';
import { readGraph } from './graph';
import { withGraph } from './manifest';

/** The architecture that such a name means; undefined for any other name. */
export function untrainedArchitecture(name: string): Architecture | undefined {
  const architecture = withoutBlanks(name).endsWith('/') ? findArchitecture(name) : undefined;
  return architecture?.graph ? architecture : undefined;
}

/** The names of an architecture that have weights, as a sentence. */
export function trainedNames({ name, tags }: Architecture): string {
  if (tags.length === 0) return `Nobody has published trained weights of ${name}.`;
  return `Names with trained weights: ${tags.map((tag) => `${name}/${tag}`).join(', ')}.`;
}

/** The model of an architecture's name with a slash behind it, with a warning; undefined for any other name. */
export async function untrainedBundle(given: string): Promise<Bundle<ClipManifest> | undefined> {
  const architecture = untrainedArchitecture(given);
  if (!architecture?.graph) return undefined;
  const { graph: id, preprocess: image, logits } = architecture;
  const name = `${architecture.name}/`;
  const graph = await readGraph(id);
  const instead = trainedNames(architecture);
  process.emitWarning(`${name} names no weights, so that the model is random and its answers say nothing of an image. ${instead}`, {
    type: 'TorchInterrogatorWarning',
    code: 'UNTRAINED_WEIGHTS',
  });
  const own = { formatVersion: 2 as const, kind: 'clip' as const, name, graph: id, files: {}, source: { weights: 'untrained' }, logits };
  const manifest = withGraph(graph, { ...own, ...(image && { image }) } as Partial<ClipManifest>) as ClipManifest;
  return { folder: PACKAGE_MODELS, manifest, graph };
}
