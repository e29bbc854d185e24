/** Weights of a name, fetched before they are needed. */
import { stat } from 'node:fs/promises';
import { type CallOptions, callOptions, NO_OPTIONS, textOf } from '../arguments';
import { type BundleKind, catalog } from '../bundles/catalog';
import { obtainWeights, weightFiles } from '../bundles/published';
import { unknownModel } from '../bundles/resolve';

/** A model of the catalog whose weights are on this machine. */
export interface PulledModel {
  kind: BundleKind;
  name: string;
  /** Absolute path of the weights in the hub's cache: one file, or the index of several. */
  file: string;
  /** Of all files that hold its tensors. */
  bytes: number;
}

/** See pullModel() of this folder's index. */
export async function pullModel(name: string, options: CallOptions = {}): Promise<PulledModel> {
  const { signal, onProgress } = callOptions('pullModel', options, NO_OPTIONS);
  const entry = catalog().find((model) => model.name === textOf('name', name));
  if (!entry?.graph) throw await unknownModel(entry?.kind ?? (name.includes('/') ? 'clip' : 'caption'), name);
  const file = await obtainWeights(entry, { download: true, signal, ...(onProgress && { report: onProgress }) });
  const sizes = await Promise.all((await weightFiles(file)).map((each) => stat(each)));
  return { kind: entry.kind, name, file, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}
