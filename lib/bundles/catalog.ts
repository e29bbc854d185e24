/** Every model name that the package knows, from models/catalog.json. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type BundleKind = 'clip' | 'caption';

/** How pictures become a model's pixels, beside its size: fields of a manifest's `image` (docs/bundle-format.md). */
export interface Preprocess {
  /** Of each channel, red first, in units of its whole range. */
  mean: [number, number, number];
  std: [number, number, number];
  interpolation: 'bicubic' | 'bilinear';
  resizeMode: 'shortest' | 'longest' | 'squash';
  /** What pads a picture, 0 to 255. */
  fill: number;
}

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
  /** How its network was compared with the reference, with seeded weights in its publisher's layout: at full size, and with fewer layers. */
  verified: { full?: Comparison; reduced?: Comparison };
  /** Where its publishers keep the weights: `organisation/name` on the hub. */
  repository: string;
  /** Names that the weights may have in the repository, in the reference's order: the first that is there is taken. */
  files: string[];
  /** Of captioners: small files of the repository that the reference reads too. Not every repository has all of them. */
  extra?: string[];
  /** What older versions of open_clip left in `~/.cache/clip`, with its SHA-256 in hex or the first eight digits of that. */
  legacy?: { file: string; sha256: string };
  /** Whose names the tensors have. */
  layout: 'open_clip' | 'transformers';
  /** The file in `models/graphs`, without `.graph`, that runs the weights; null where there is none yet. */
  graph: string | null;
  /** Numbers that were trained; shared ones count once. */
  parameters: number;
  /** Length of its features; null for captioners. */
  embedDim: number | null;
  /** `[height, width]` in pixels of what the network sees. */
  imageSize: [number, number];
  /** What a file of its weights takes in float32: an estimate, since files may hold 16 bits or other tensors as well. */
  bytes: number;
  /** Bytes in use once it is loaded on the CPU, in float32: an estimate from `parameters`. */
  memory: number;
  /** The same on a GPU, in float16. */
  memoryFloat16: number;
  /** The image generators whose text encoder this is: prompts for them are best ranked by it. */
  generators?: ImageGenerator[];
  /** Of CLIP models. A captioner's is in its graph. */
  preprocess?: Preprocess;
}

/** A comparison with open_clip 3.3.0, or of captioners with transformers 4.57.1, by `npm run graphs:verify`. */
export interface Comparison {
  /** The day, as in 2026-11-27. */
  on: string;
  /** At most so many layers, or as many in each stage; missing at full size. */
  depth?: number;
  /** How the file held the weights; the reference and ours ran in float32. */
  dtype: 'float32' | 'float16';
  /** The largest absolute difference of a coordinate of unit features, of images and of texts. */
  image?: number;
  text?: number;
  /** Of captions: how many tokens there were, all equal. */
  tokens?: number;
  /** The most memory, in bytes, that the process took while the model was loaded on the CPU. */
  peak?: number;
}

/** Stable Diffusion 1.x, 2.x, XL. */
export type ImageGenerator = 'sd1' | 'sd2' | 'sdxl';

/** An architecture of open_clip. As a model's name, with an empty tag (`ViT-S-32/`), it has random weights, as in the reference. */
export interface Architecture
  extends Pick<
    CatalogEntry,
    'tower' | 'activation' | 'supported' | 'verified' | 'graph' | 'parameters' | 'imageSize' | 'memory' | 'memoryFloat16' | 'preprocess'
  > {
  /** Without the slash. */
  name: string;
  embedDim: number;
  /** Before training, a logit is scale × cosine similarity + bias. A model with a bias is trained with a sigmoid. */
  logits: { scale: number; bias?: number };
  /** Of its published weights. */
  tags: string[];
}

/** @internal The folder of catalog.json and of the bundles that ship with the package. */
export const PACKAGE_MODELS = path.join(__dirname, '..', '..', 'models');

interface Catalog {
  notes: Record<'flux' | 'sd3', string>;
  models: CatalogEntry[];
  architectures: Architecture[];
}

let read: Catalog | undefined;

function file(): Catalog {
  read ??= JSON.parse(readFileSync(path.join(PACKAGE_MODELS, 'catalog.json'), 'utf8')) as Catalog;
  return read;
}

/** All entries: CLIP models in open_clip's order, then caption models. */
export function catalog(): readonly CatalogEntry[] {
  return file().models;
}

/** All architectures, in open_clip's order. */
export function architectures(): readonly Architecture[] {
  return file().architectures;
}

/** Which names suit image generators that read prompts with more than a CLIP text encoder, a sentence each. */
export function generatorNotes(): Readonly<Record<'flux' | 'sd3', string>> {
  return file().notes;
}

/** The model of that name that this version runs; white space in a name is forgiven. */
export function findModel(name: string): CatalogEntry | undefined {
  const spelt = withoutBlanks(name);
  return catalog().find((entry) => entry.name === spelt && entry.graph !== null);
}

/** The entry of that kind and name. */
export function findEntry(kind: BundleKind, name: string): CatalogEntry | undefined {
  const spelt = withoutBlanks(name);
  return catalog().find((entry) => entry.kind === kind && entry.name === spelt);
}

/** The architecture of that name, with or without a slash behind it. */
export function findArchitecture(name: string): Architecture | undefined {
  const spelt = withoutBlanks(name).replace(/\/$/, '');
  return architectures().find((each) => each.name === spelt);
}

/** A name without the white space that came along with it, also of no width: no name of the catalog has any. */
export function withoutBlanks(name: string): string {
  return name.replace(/[\s\u200b-\u200d\u2060]+/g, '');
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
