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
  /** The repository of the hub that its publisher keeps its weights in. */
  repository: string;
  /** Files with its weights there, the preferred one first; each a whole model. */
  files: string[];
  /** Small files that Python's libraries look for beside the weights. */
  extra?: string[];
  /** Where open_clip kept weights that it fetched from OpenAI itself: the name in `~/.cache/clip`, and its SHA-256. */
  legacy?: { file: string; sha256: string };
  /** Whose names its tensors have: `open_clip` or `transformers`. */
  layout: string;
  /** The package's graph that runs it; null where there is none yet. */
  graph: string | null;
  /** Numbers in all its tensors. */
  parameters: number;
  /** Numbers in an image's or a text's features; null for caption models. */
  embedDim: number | null;
  /** Height and width of the images that it is shown, in pixels. */
  imageSize: [number, number];
  /** Bytes to fetch. */
  bytes: number;
  /** Bytes in memory when it is loaded on a CPU. */
  memory: number;
  /** How its images are made ready, where that differs from its graph's own. */
  preprocess?: { mean: number[]; std: number[]; interpolation: string; resizeMode: string; fill: number };
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

/** The entry of that kind and name. */
export function findEntry(kind: BundleKind, name: string): CatalogEntry | undefined {
  return catalog().find((entry) => entry.kind === kind && entry.name === name);
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
