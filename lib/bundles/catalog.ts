/** Every model name that the package knows, from models/catalog.json. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type BundleKind = 'clip' | 'caption';

export interface CatalogEntry {
  /** `model/tag` of open_clip, or a caption model's name. */
  name: string;
  kind: BundleKind;
  /** The kinds of network inside, which decide what can be exported. */
  tower: { image?: string; text?: string; family?: string };
  /** Of CLIP models: what the weights were trained with, and so what a bundle of them runs. */
  activation?: 'gelu' | 'quick_gelu';
  /** This version exports and runs it. */
  supported: boolean;
  /** Its pretrained weights were compared with the reference's answers. */
  verified: boolean;
}

/** @internal The folder of catalog.json and of the bundles that ship with the package. */
export const PACKAGE_MODELS = path.join(__dirname, '..', '..', 'models');

let entries: readonly CatalogEntry[] | undefined;

/** All entries: CLIP models in open_clip's order, then caption models. */
export function catalog(): readonly CatalogEntry[] {
  entries ??= (JSON.parse(readFileSync(path.join(PACKAGE_MODELS, 'catalog.json'), 'utf8')) as { models: CatalogEntry[] }).models;
  return entries;
}

/** Every `model/tag` that open_clip has pretrained weights for, in its order. See `catalog()` for which are supported. */
export function listClipModels(): string[] {
  return namesOf('clip');
}

/** The caption models that clip-interrogator knows. */
export function listCaptionModels(): string[] {
  return namesOf('caption');
}

function namesOf(kind: BundleKind): string[] {
  return catalog()
    .filter((entry) => entry.kind === kind)
    .map(({ name }) => name);
}
