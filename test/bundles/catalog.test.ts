import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import {
  architectures,
  type CatalogEntry,
  type Comparison,
  catalog,
  listCaptionModels,
  listClipModels,
  PACKAGE_MODELS,
} from '../../lib/bundles/catalog';

/** The architectures that guides to clip-interrogator list. */
const TUTORIAL =
  `coca_base coca_roberta-ViT-B-32 coca_ViT-B-32 coca_ViT-L-14 convnext_base convnext_base_w convnext_base_w_320 convnext_large
  convnext_large_d convnext_large_d_320 convnext_small convnext_tiny convnext_xlarge convnext_xxlarge convnext_xxlarge_320 mt5-base-ViT-B-32
  mt5-xl-ViT-H-14 RN50 RN50-quickgelu RN50x4 RN50x16 RN50x64 RN101 RN101-quickgelu roberta-ViT-B-32 swin_base_patch4_window7_224 ViT-B-16
  ViT-B-16-plus ViT-B-16-plus-240 ViT-B-32 ViT-B-32-plus-256 ViT-B-32-quickgelu ViT-bigG-14 ViT-e-14 ViT-g-14 ViT-H-14 ViT-H-16 ViT-L-14
  ViT-L-14-280 ViT-L-14-336 ViT-L-16 ViT-L-16-320 ViT-M-16 ViT-M-16-alt ViT-M-32 ViT-M-32-alt ViT-S-16 ViT-S-16-alt ViT-S-32 ViT-S-32-alt
  vit_medium_patch16_gap_256 vit_relpos_medium_patch16_cls_224 xlm-roberta-base-ViT-B-32 xlm-roberta-large-ViT-H-14`.split(/\s+/);

test('every open_clip name/tag pair is listed, once', () => {
  const names = listClipModels();
  expect(names).toHaveLength(196);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toEqual(expect.arrayContaining(['ViT-L-14/openai', 'RN50/openai', 'ViT-H-14/laion2b_s32b_b79k']));
  expect(names.every((name) => /^[^/]+\/[^/]+$/.test(name))).toBe(true);
});

test("the caption models are the reference's", () => {
  expect(listCaptionModels()).toEqual(['blip-base', 'blip-large', 'blip2-2.7b', 'blip2-flan-t5-xl', 'git-large-coco']);
});

test('every name is supported', () => {
  expect(catalog().filter(({ supported }) => !supported)).toEqual([]);
});

test('every architecture of the tutorial can be made, those without weights too', () => {
  const known = new Set(architectures().map(({ name }) => name));
  expect(TUTORIAL).toHaveLength(54);
  expect(TUTORIAL.filter((name) => !known.has(name))).toEqual([]);
  expect(architectures().every(({ graph }) => graph !== null)).toBe(true);
});

test('every name was compared with the reference, at full size or with fewer layers', () => {
  const { graphs, reduced } = { graphs: results('graphs.json'), reduced: results('graphs-depth-2.json') };
  for (const { name, graph, verified } of [...catalog(), ...architectures()]) {
    const { full, reduced: cut } = verified;
    expect({ name, cut }).toEqual({ name, cut: expect.objectContaining({ depth: 2, on: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) }) });
    expect(reduced[graph as string]).toMatchObject({ passed: true, ...cut });
    if (full) expect(graphs[graph as string]).toMatchObject({ passed: true, ...full });
    for (const { image, text, tokens } of [full ?? cut, cut] as Comparison[]) {
      if (tokens === undefined) expect({ name, most: Math.max(image as number, text as number) <= 1e-4 }).toEqual({ name, most: true });
      else expect(tokens).toBeGreaterThan(0);
    }
  }
});

test('models are told which image generators they suit', () => {
  const suits = (generator: string) =>
    catalog().flatMap(({ name, generators }) => ((generators as string[] | undefined)?.includes(generator) ? [name] : []));
  expect(suits('sd1')).toEqual(['ViT-L-14/openai']);
  expect(suits('sd2')).toEqual(['ViT-H-14/laion2b_s32b_b79k']);
  expect(suits('sdxl')).toEqual(['ViT-L-14/openai', 'ViT-bigG-14/laion2b_s39b_b160k']);
});

/** What `npm run graphs:verify` wrote, by graph. */
function results(file: string): Record<string, { passed: boolean }> {
  return JSON.parse(readFileSync(path.join(PACKAGE_MODELS, '..', 'bench', 'results', file), 'utf8'));
}

const GRAPHS = path.join(PACKAGE_MODELS, 'graphs');

function entry(name: string): CatalogEntry | undefined {
  return catalog().find((model) => model.name === name);
}

/** The JSON at the head of a graph file. */
function graphHeader(file: string) {
  const blob = brotliDecompressSync(readFileSync(path.join(GRAPHS, file)));
  return JSON.parse(blob.toString('utf8', 8, 8 + Number(blob.readBigUInt64LE(0))));
}

test('every model says where its weights are and what they need', () => {
  for (const model of catalog()) {
    expect(model.repository).toMatch(/^[^/]+\/[^/]+$/);
    expect(model.files.length).toBeGreaterThan(1);
    expect(model.parameters).toBeGreaterThan(50e6);
    expect(model.bytes).toBeGreaterThanOrEqual(4 * model.parameters);
    expect(model.memory).toBeGreaterThan(4 * model.parameters);
    expect(model.imageSize.every((pixels) => pixels >= 224)).toBe(true);
    expect(model.kind === 'clip').toBe(typeof model.embedDim === 'number' && model.preprocess !== undefined);
  }
});

test("a model's weights are looked for as open_clip looks for them", () => {
  expect(entry('ViT-L-14/openai')).toMatchObject({
    repository: 'timm/vit_large_patch14_clip_224.openai',
    files: ['open_clip_model.safetensors', 'open_clip_pytorch_model.bin'],
    legacy: { file: 'ViT-L-14.pt', sha256: 'b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836' },
    graph: 'ViT-L-14-quickgelu',
    parameters: 427616513,
    embedDim: 768,
    preprocess: { interpolation: 'bicubic', resizeMode: 'shortest', fill: 0 },
  });
  expect(entry('ViT-H-14/laion2b_s32b_b79k')).toMatchObject({
    repository: 'laion/CLIP-ViT-H-14-laion2B-s32B-b79K',
    graph: 'ViT-H-14',
  });
  expect(entry('ViTamin-S/datacomp1b')?.files).toEqual(['pytorch_model.safetensors', 'pytorch_model.bin']);
  expect(entry('ViT-B-16-SigLIP/webli')?.preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5], resizeMode: 'squash' });
  // The size that clip-interrogator's source notes.
  expect(entry('blip-base')?.bytes).toBeCloseTo(990e6, -7);
});

test('every model that is supported has a graph of its own shape, and each graph its tokenizer', () => {
  const headers = new Map(readdirSync(GRAPHS).map((file) => [path.basename(file, '.graph'), graphHeader(file)]));
  for (const { graph, supported, kind, embedDim, imageSize } of catalog()) {
    expect(graph !== null).toBe(supported);
    if (graph === null) continue;
    const { manifest, ...header } = headers.get(graph);
    expect(header.kind).toBe(kind);
    expect((manifest.image ?? manifest.vision).size).toEqual(imageSize);
    expect(manifest.embedDim ?? null).toBe(embedDim);
  }
  for (const { manifest } of headers.values()) {
    // The others come from the hub, with the weights.
    if (manifest.tokenizer.repository) continue;
    expect(existsSync(path.join(PACKAGE_MODELS, 'tokenizers', `${manifest.tokenizer.file}.br`))).toBe(true);
  }
});
