/** What a person does with models: sees which there are, fetches one, brings weights of their own. The code is loaded when it is used. */
import type { CallOptions } from '../arguments';
import type { BundleKind } from '../bundles/catalog';
import type { ConfigInput } from '../config';
import type { ImportedModel, ImportOptions } from './import';
import type { ModelStatus } from './list';
import type { PulledModel } from './pull';

export type { ImportedModel, ImportOptions } from './import';
export type { ModelStatus } from './list';
export type { PulledModel } from './pull';

/** Rejects with ERR_MODEL_UNKNOWN, with the nearest names, for models that a config names and nobody has. No weights are looked for. */
export async function requireKnownModels(config: ConfigInput = {}): Promise<void> {
  return (require('./known') as typeof import('./known')).requireKnownModels(config);
}

/** The catalog's models in its order, architectures without weights (`ViT-S-32/`), then the user's own bundles. Nothing is fetched, and no request is made. */
export async function modelStatuses(): Promise<ModelStatus[]> {
  return (require('./list') as typeof import('./list')).modelStatuses();
}

/**
 * Fetches the weights of a model of the catalog into the hub's cache, which Python's `huggingface_hub` shares, unless they are there. What
 * is there is compared with its SHA-256, and fetched again where it is damaged.
 * Of an imported bundle and of a name without a tag (`roberta-ViT-B-32/`) the tokenizer is fetched, where the hub keeps it.
 * A download that broke off goes on, also that of another process. `onProgress` tells of bytes, in the stage `download NAME`.
 * Throws ERR_MODEL_UNKNOWN; where HF_HUB_OFFLINE is set, ERR_WEIGHTS_NOT_FOUND, ERR_TOKENIZER, and ERR_BUNDLE_DAMAGED for what may not be
 * fetched again; ERR_WEIGHTS_INVALID, ERR_NETWORK, ERR_IO; an AbortError.
 */
export async function pullModel(name: string, options: CallOptions = {}): Promise<PulledModel> {
  return (require('./pull') as typeof import('./pull')).pullModel(name, options);
}

/**
 * Makes a bundle of a file of weights, or of the folder that holds one, after every tensor's name, shape and type was looked at.
 * `architecture`: of CLIP models open_clip's name, one of `architectures()` (`ViT-L-14`; `ViT-L-14-quickgelu` for weights that go back to
 * OpenAI's) or a whole name of the catalog; of caption models a name of the catalog. A tokenizer that the hub keeps is fetched, unless there
 * is a `tokenizer.json` beside the weights. Settings that lie beside the weights, `open_clip_config.json` or
 * `config.json` and `preprocessor_config.json`, are respected. A bundle that is already in the folder is replaced once the new one is whole.
 * Throws ERR_MODEL_UNKNOWN, ERR_INVALID_ARGUMENT, ERR_WEIGHTS_INVALID, ERR_TOKENIZER, ERR_NETWORK, ERR_IO, ERR_LIBTORCH_*, ERR_ADDON_*; an
 * AbortError.
 */
export async function importModel(
  kind: BundleKind,
  architecture: string,
  weights: string,
  options: ImportOptions = {},
): Promise<ImportedModel> {
  return (require('./import') as typeof import('./import')).importModel(kind, architecture, weights, options);
}
