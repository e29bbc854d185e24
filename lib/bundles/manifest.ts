/** A bundle's manifest.json: its schema, which is the contract with exporter and core, and how it is read. See docs/bundle-format.md. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { Static } from '@sinclair/typebox';
import { choice, lazySchema, problems } from '../arguments/schema';
import { show } from '../arguments/show';
import { InterrogatorError } from '../errors';
import { type Graph, hasGraph, readGraph } from './graph';

/** 1: modules with their weights. 2: a graph of the package, and a publisher's file of weights. */
const FORMAT_VERSION = 2;
/** Manifests have a few kilobytes. */
const MOST_BYTES = 4 * 2 ** 20;
const DEEPEST = 64;
/** Of anything counted: dimensions, ids, positions. */
const MOST = 2 ** 24;

/** What is read of a manifest, by whomever. Other fields are ignored. */
const schemas = lazySchema((typebox) => {
  const { Type } = typebox;
  const count = (minimum = 1) => Type.Integer({ minimum, maximum: MOST });
  const text = Type.String({ minLength: 1, expected: 'a text' });
  const image = Type.Object({
    file: text,
    size: Type.Array(Type.Integer({ minimum: 1, maximum: 4096 }), { minItems: 2, maxItems: 2, expected: '[height, width]' }),
    mean: Type.Array(Type.Number({ minimum: -1e6, maximum: 1e6 }), { minItems: 3, maxItems: 3, expected: 'three numbers' }),
    std: Type.Array(Type.Number({ minimum: 1e-6, maximum: 1e6 }), { minItems: 3, maxItems: 3, expected: 'three numbers above 0' }),
    interpolation: choice(typebox, ['bicubic', 'bilinear']),
    resizeMode: choice(typebox, ['shortest', 'longest', 'squash']),
    /** Where a centre crop begins that leaves an odd number of pixels: rounded as torchvision does, or cut off as transformers does. */
    crop: Type.Optional(choice(typebox, ['round', 'floor'])),
    fill: Type.Integer({ minimum: 0, maximum: 255 }),
  });
  const common = {
    formatVersion: Type.Union([Type.Literal(1), Type.Literal(2)], { expected: '1 or 2' }),
    name: text,
    files: Type.Record(
      Type.String(),
      Type.Object({
        bytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
        sha256: Type.String({ pattern: '^[0-9a-f]{64}$', expected: '64 hexadecimal digits' }),
      }),
    ),
    /** Of format 2: a graph of the package, and the file of its weights: in the folder, or an absolute path. */
    graph: Type.Optional(text),
    weights: Type.Optional(text),
    /** `weights`: 'hub' for a name's published weights, 'checkpoint', or 'untrained'. */
    source: Type.Optional(Type.Object({ weights: Type.Optional(Type.String()) })),
  };
  const tower = { file: text, contextLength: count(2), vocabSize: count(), padId: count(0), eotId: count(0) };
  const start = Type.Union([count(0), Type.Null()], { expected: 'a whole number, or null' });
  /** A file of the bundle or of the package's tokenizers, or a repository of the hub in its place. */
  const tokenizer = {
    file: Type.Optional(text),
    repository: Type.Optional(Type.String({ pattern: '^(?:[\\w.-]{1,96}/)?[\\w.-]{1,96}$', expected: 'the name of a repository' })),
  };
  return Type.Object({
    clip: Type.Object({
      ...common,
      kind: Type.Literal('clip'),
      embedDim: count(),
      image,
      text: Type.Union([
        Type.Object({ ...tower, tower: Type.Literal('causal'), sotId: count(0), layers: count(), heads: count(), width: count() }),
        Type.Object({ ...tower, tower: Type.Literal('bidirectional'), sotId: start }),
      ]),
      tokenizer: Type.Object({
        ...tokenizer,
        clean: choice(typebox, ['lower', 'whitespace', 'canonicalize']),
        /** The token that becomes 0 wherever it is: open_clip's `strip_sep_token`. */
        stripSepId: Type.Optional(count(0)),
      }),
      /** A logit is scale × cosine similarity + bias. Left to the weights where a file of them says it. */
      logits: Type.Optional(
        Type.Object({
          scale: Type.Number({ minimum: 1e-6, maximum: 1e6, expected: 'a number above 0' }),
          bias: Type.Optional(Type.Number({ minimum: -1e6, maximum: 1e6 })),
        }),
      ),
      /** Paths relative to the folder, with '/'. */
      vocabulary: Type.Optional(Type.Array(text)),
    }),
    caption: Type.Object({
      ...common,
      kind: Type.Literal('caption'),
      family: choice(typebox, ['blip', 'blip2', 'git']),
      vision: image,
      decoder: Type.Object({
        file: text,
        vocabSize: count(),
        layers: count(),
        heads: count(),
        headDim: count(),
        maxPositions: count(2),
        eosId: count(0),
        promptIds: Type.Array(count(0), { minItems: 1 }),
        /** What transformers lets stand for the image in front of the prompt, and counts. */
        prefixIds: Type.Optional(Type.Array(count(0), { maxItems: 65536 })),
        /** Where a text that a caption goes on from is the encoder's: what ends it. */
        encoderEndId: Type.Optional(count(0)),
      }),
      tokenizer: Type.Object({
        ...tokenizer,
        /** Whether blanks are taken out of what is decoded (transformers' clean_up_tokenization_spaces). Without it, tokenizer_config.json says so. */
        cleanUp: Type.Optional(Type.Boolean()),
      }),
    }),
  });
});

type Schemas = ReturnType<typeof schemas>;
export type ClipManifest = Static<Schemas['properties']['clip']>;
export type CaptionManifest = Static<Schemas['properties']['caption']>;
export type Manifest = ClipManifest | CaptionManifest;

/** A manifest that was read; of format 2 the graph that it names too, whose fields are part of the manifest. */
export interface ReadManifest {
  manifest: Manifest;
  graph?: Graph;
}

/** Reads and checks the manifest in a folder. Throws ERR_BUNDLE_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_BUNDLE_VERSION, ERR_IO. */
export async function readManifest(folder: string): Promise<ReadManifest> {
  const file = path.join(folder, 'manifest.json');
  const text = await readText(file, folder);
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, `not JSON: ${(cause as Error).message}`, cause);
  }
  if (isTooDeep(fields)) throw invalid(file, `nested more than ${DEEPEST} deep`);
  if (fields === null || typeof fields !== 'object') throw invalid(file, 'not a JSON object');
  const own = fields as Partial<Manifest>;
  if (own.formatVersion !== 2) return { manifest: checked(file, own) };
  for (const field of ['graph', 'weights'] as const) {
    if (typeof own[field] !== 'string') throw invalid(file, `${field}: got ${show(own[field])}, expected a text`);
  }
  const name = own.graph as string;
  if (!hasGraph(name)) throw invalid(file, `graph: this version has none called ${show(name)}`);
  const graph = await readGraph(name);
  return { manifest: checked(file, withGraph(graph, own)), graph };
}

/** The graph's fields, with those of one model: its own preprocessing goes before the graph's. */
export function withGraph({ header }: Graph, own: Partial<Manifest>): Partial<Manifest> {
  const merged: Record<string, unknown> = { ...header.manifest, ...own };
  for (const part of ['image', 'vision']) {
    const [theirs, ours] = [header.manifest[part], (own as Record<string, unknown>)[part]];
    if (theirs !== undefined) merged[part] = { ...(theirs as object), ...(ours as object | undefined) };
  }
  return merged as Partial<Manifest>;
}

async function readText(file: string, folder: string): Promise<string> {
  let handle: FileHandle | undefined;
  try {
    // A pipe is opened without waiting for who writes to it, and then refused.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await handle.stat();
    if (!found.isFile()) throw invalid(file, 'not a file');
    if (found.size > MOST_BYTES) throw invalid(file, `${found.size} bytes are too many for a manifest`);
    return await handle.readFile('utf8');
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `There is no bundle at ${folder}: no manifest.json in it.`, { cause });
    }
    throw new InterrogatorError('ERR_IO', `Cannot read ${file}: ${message}`, { cause });
  } finally {
    await handle?.close();
  }
}

/** Level by level: a recursion would end where the stack does. */
function isTooDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((each) => (each !== null && typeof each === 'object' ? Object.values(each) : []));
  }
  return false;
}

function checked(file: string, manifest: Partial<Manifest>): Manifest {
  const { formatVersion, kind } = manifest;
  // First of all: a newer format may mean anything by the other fields.
  if (Number.isInteger(formatVersion) && (formatVersion as number) > FORMAT_VERSION) {
    const versions = `${file} has format version ${formatVersion}; this package reads up to ${FORMAT_VERSION}.`;
    throw new InterrogatorError('ERR_BUNDLE_VERSION', versions);
  }
  if (kind !== 'clip' && kind !== 'caption') throw invalid(file, `kind: got ${show(kind)}, expected 'clip' or 'caption'`);
  const faults = problems(schemas().properties[kind], manifest);
  if (faults.length === 0) faults.push(...contradictions(manifest as Manifest));
  if (faults.length > 0) throw invalid(file, faults.slice(0, 8).join('\n'));
  return manifest as Manifest;
}

/** What the schema cannot say: how fields go together. */
function contradictions(manifest: Manifest): string[] {
  const files = filesNamed(manifest);
  const faults = [
    ...files
      .filter(([, name]) => !Object.hasOwn(manifest.files, name))
      .map(([field, name]) => `${field}: ${show(name)} is not among its files`),
    ...Object.keys(manifest.files)
      .filter((name) => !staysInside(name) && !(manifest.formatVersion === 2 && path.isAbsolute(name)))
      .map((name) => `files: ${show(name)} is not a path inside the bundle`),
  ];
  const [part, { vocabSize }] = manifest.kind === 'clip' ? ['text', manifest.text] : ['decoder', manifest.decoder];
  for (const [field, value] of Object.entries(manifest.kind === 'clip' ? manifest.text : manifest.decoder)) {
    const ids = /Ids?$/.test(field) ? [value].flat() : [];
    if (ids.some((id) => (id as number) >= vocabSize)) faults.push(`${part}.${field}: expected less than vocabSize, ${vocabSize}`);
  }
  const { file, repository } = manifest.tokenizer;
  if ((file === undefined) === (repository === undefined)) faults.push('tokenizer.file: expected a file, or a repository in its place');
  if (manifest.kind === 'clip' && manifest.text.tower === 'causal' && manifest.text.width % manifest.text.heads !== 0) {
    faults.push(`text.width: expected a multiple of text.heads, ${manifest.text.heads}`);
  }
  if (manifest.kind === 'caption' && manifest.decoder.promptIds.length >= manifest.decoder.maxPositions) {
    faults.push(`decoder.promptIds: expected fewer than decoder.maxPositions, ${manifest.decoder.maxPositions}`);
  }
  return faults;
}

/** What is read must be among the files whose hashes, and whose place in the folder, are checked. */
function filesNamed(manifest: Manifest): [field: string, name: string][] {
  const { kind, tokenizer } = manifest;
  const tokenizers = tokenizer.file === undefined ? [] : [['tokenizer.file', tokenizer.file] as [string, string]];
  const lists = ((kind === 'clip' && manifest.vocabulary) || []).map((name): [string, string] => ['vocabulary', name]);
  // A graph's own files are the package's.
  if (manifest.formatVersion === 2) return [['weights', manifest.weights as string], ...lists];
  const models = kind === 'clip' ? { image: manifest.image, text: manifest.text } : { vision: manifest.vision, decoder: manifest.decoder };
  const parts = Object.entries(models).map(([part, { file }]): [string, string] => [`${part}.file`, file]);
  return [...parts, ...tokenizers, ...lists];
}

function staysInside(name: string): boolean {
  return !/[\\\0:]/.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function invalid(file: string, what: string, cause?: unknown): InterrogatorError {
  return new InterrogatorError('ERR_BUNDLE_INVALID', `${file} cannot be used: ${what}.`, {
    hint: 'Export or import the bundle again.',
    cause,
  });
}
