/** Weights of the user's own as a bundle: a fine-tune of a network that the package has a graph of, with no Python. */
import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { onAbort } from '../abort';
import { type CallOptions, callOptions, optionsSchema, textOf } from '../arguments';
import { nearest } from '../arguments/nearest';
import { show } from '../arguments/show';
import { bundleFolder, bundleFolderName, type ClipManifest, readBundle } from '../bundles/bundle';
import { architectures, type BundleKind, catalog, findArchitecture, PACKAGE_MODELS, withoutBlanks } from '../bundles/catalog';
import { composeGraph, type Graph, hasGraph, readGraph } from '../bundles/graph';
import { type Manifest, withGraph } from '../bundles/manifest';
import { obtain, weightFiles } from '../bundles/published';
import { tokenizerRepository } from '../bundles/tokenizers';
import { untrainedArchitecture } from '../bundles/untrained';
import { digestsOf } from '../bundles/verify';
import { AbortError, hasCode, InterrogatorError, toInterrogatorError } from '../errors';
import { isThere } from '../files/is-there';
import { loadNative } from '../native/load';
import { readOwnSettings } from './settings';

export interface ImportOptions extends CallOptions {
  /** What the model is called from now on. Default: the architecture and the weights' file or folder, such as `ViT-L-14/my-style`. */
  name?: string;
  /** The bundle's folder. Default: the name's in the bundle home. */
  out?: string;
  /** Copies the weights into the bundle. Default false: the bundle names their place, where they must stay. */
  copy?: boolean;
  /** Replaces a bundle of other weights that goes by this name. Default false. */
  force?: boolean;
}

const IMPORT_OPTIONS = optionsSchema(({ Type }) => {
  const text = Type.String({ pattern: '\\S', expected: 'a text' });
  return { name: text, out: text, copy: Type.Boolean(), force: Type.Boolean() };
});

/** In a folder, the file to read is the first of these that is there. */
const NAMES = [
  'open_clip_model.safetensors',
  'model.safetensors',
  'model.safetensors.index.json',
  'open_clip_pytorch_model.bin',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
];

/** A model that goes by its name from now on. */
export interface ImportedModel {
  kind: BundleKind;
  name: string;
  /** Absolute path of its bundle. */
  folder: string;
}

/** See importModel() of this folder's index. */
export async function importModel(kind: BundleKind, given: string, weights: string, options: ImportOptions): Promise<ImportedModel> {
  const { name: named, out, copy = false, force = false, signal, onProgress } = callOptions('importModel', options, IMPORT_OPTIONS);
  if (kind !== 'clip' && kind !== 'caption') {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `kind: got ${show(kind)}, expected 'clip' or 'caption'.`);
  }
  const file = await weightsFile(path.resolve(textOf('weights', weights)));
  const settings = await readOwnSettings(kind, path.dirname(file));
  const architecture = withoutBlanks(textOf('architecture', given));
  const id = graphOf(kind, architecture, settings.quickGelu);
  const graph = await readGraph(id);
  settings.check(graph.header, id);
  const name = named ?? `${architecture.replace(/\/.*/, '')}/${stem(weights)}`;
  const folder = path.resolve(out ?? bundleFolder(name));
  if (out === undefined) await requireOwnName(name);
  if (!force) await requireSameModel(folder, { kind, name, graph: id, file });
  const tokenizer = await tokenizerFor(graph, { name, id, weights: file, signal, onProgress });
  // An index names its shards, and is read too.
  const files = [...new Set([file, ...(await weightFiles(file)), ...(tokenizer ? [tokenizer.file] : [])])];
  const own = {
    formatVersion: 2,
    kind,
    name,
    graph: id,
    weights: file,
    source: { weights: 'checkpoint' },
    ...settings.fields,
    ...(tokenizer && { tokenizer }),
  };
  const manifest = withGraph(graph, own as Partial<Manifest>) as Manifest;
  const binding = await loadNative();
  const token = binding.createCancelToken();
  const forget = onAbort(signal, () => token.cancel());
  try {
    await binding.checkWeights({ bundle: composeGraph(graph, manifest), weights: file }, token);
  } catch (error) {
    throw toInterrogatorError(error);
  } finally {
    forget();
  }
  const digests = await digestsOf(path.dirname(file), files, signal);
  const placed = (each: string): string => (copy ? path.basename(each) : each);
  const sizes = await Promise.all(files.map(async (each) => (await stat(each)).size));
  const listed = Object.fromEntries(files.map((each, i) => [placed(each), { bytes: sizes[i], sha256: digests[i] }]));
  await replaceFolder(folder, async (temporary) => {
    if (copy) await copyAll(files, temporary, { signal, onProgress, total: sizes.reduce((sum, size) => sum + size, 0) });
    const text = JSON.stringify(
      { ...own, weights: placed(file), ...(tokenizer && { tokenizer: { ...tokenizer, file: placed(tokenizer.file) } }), files: listed },
      null,
      2,
    );
    await writeFile(path.join(temporary, 'manifest.json'), `${text}\n`);
    await readBundle(temporary, kind);
  });
  return { kind, name, folder };
}

/**
 * The tokenizer that lies beside the weights, for a network whose own is kept by the hub; undefined where the graph's is to be used, which
 * is on this machine then. CLIP's networks have the package's, whatever lies there: open_clip asks for no other.
 */
async function tokenizerFor(
  graph: Graph,
  { name, id, weights, signal, onProgress }: { name: string; id: string; weights: string } & Pick<CallOptions, 'signal' | 'onProgress'>,
): Promise<({ file: string } & Record<string, unknown>) | undefined> {
  const repository = tokenizerRepository(graph);
  if (repository === undefined) return undefined;
  const beside = path.join(path.dirname(weights), 'tokenizer.json');
  if (await isThere(beside)) {
    const { repository: _, ...settings } = graph.header.manifest.tokenizer as Record<string, unknown>;
    await requireTokenizer(graph, beside, repository);
    return { ...settings, file: beside };
  }
  // A name that it can be pulled by.
  const architecture = architectures().find((each) => each.graph === id);
  const known = catalog().find((entry) => entry.graph === id)?.name ?? (architecture ? `${architecture.name}/` : name);
  try {
    await obtain({ name: known, tokenizer: repository }, { download: true, signal, ...(onProgress && { report: onProgress }) });
    return undefined;
  } catch (cause) {
    if (!hasCode(cause, 'ERR_TOKENIZER', 'ERR_NETWORK')) throw cause;
    const { code, problem, hint } = toInterrogatorError(cause);
    const fault = `There is no tokenizer.json beside ${weights}, and the hub's is not to be had: ${problem}`;
    throw new InterrogatorError(code, fault, { hint: `Put the model's tokenizer.json beside its weights, or:\n${hint}`, cause });
  }
}

/** Throws ERR_TOKENIZER for a file that would not do when the model is opened. */
async function requireTokenizer({ header }: Graph, file: string, repository: string): Promise<void> {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  const { ClipTokenizer, CaptionTokenizer } = require('../tokenizer') as typeof import('../tokenizer');
  try {
    if (header.kind === 'caption') await CaptionTokenizer.load(folder, { file: name });
    else await ClipTokenizer.load(folder, { ...(header.manifest.tokenizer as ClipManifest['tokenizer']), file: name });
  } catch (cause) {
    if (!hasCode(cause, 'ERR_TOKENIZER')) throw cause;
    throw new InterrogatorError('ERR_TOKENIZER', toInterrogatorError(cause).problem, {
      hint: `Put the model's own there, or take it away: then that of ${repository} is used.`,
      cause,
    });
  }
}

/** Names that mean something already keep their meaning, and one that begins as a folder does would never be looked up. */
async function requireOwnName(name: string): Promise<void> {
  if (!/^[^\s./\\~-][^\\\p{Cc}]{0,199}$/u.test(name) || name !== name.trim() || name.split('/').includes('..') || name === NO_MODEL) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${show(name)} cannot be a model's name.`, {
      hint: 'A name has at most 200 characters and begins with a letter or a digit, such as ViT-L-14/my-style.',
    });
  }
  const isTaken =
    catalog().some((entry) => entry.name === name) ||
    untrainedArchitecture(name) !== undefined ||
    (await isThere(path.join(PACKAGE_MODELS, bundleFolderName(name))));
  if (!isTaken) return;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${show(name)} is the name of a model of the catalog or of the package.`, {
    hint: 'Give another name with --name.',
  });
}

/** What the command line takes for no captioner. */
const NO_MODEL = 'none';

/** A bundle that is in the folder is replaced by the same model alone: folders of two names may be one. */
async function requireSameModel(
  folder: string,
  { kind, name, graph, file }: { kind: BundleKind; name: string; graph: string; file: string },
): Promise<void> {
  if (!(await isThere(path.join(folder, 'manifest.json')))) return;
  const there = await readBundle(folder).catch(() => undefined);
  const isCopy = there?.manifest.weights === path.basename(file);
  if (!there) return;
  const { manifest } = there;
  const isSame = manifest.kind === kind && manifest.name === name && manifest.graph === graph;
  if (isSame && (manifest.weights === file || isCopy)) return;
  const fault = `In ${folder} there is another bundle: the ${manifest.kind} model ${manifest.name}${manifest.graph ? `, a ${manifest.graph}` : ''}.`;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', fault, { hint: 'Give another name with --name, or replace it with --force.' });
}

/** The graph that an architecture means, or a whole name of the catalog. */
function graphOf(kind: BundleKind, architecture: string, quickGelu: boolean | undefined): string {
  const entries = catalog().filter((entry) => entry.kind === kind && entry.graph !== null);
  const named = entries.find(({ name }) => name === architecture)?.graph;
  if (named) return named;
  const found = kind === 'clip' ? findArchitecture(architecture) : undefined;
  if (found?.graph) {
    const quick = `${found.name}-quickgelu`;
    return quickGelu && hasGraph(quick) ? quick : found.graph;
  }
  // Caption models are known by their own names alone.
  const known = kind === 'clip' ? architectures().map(({ name }) => name) : entries.map(({ name }) => name);
  const near = nearest(architecture, known, 3);
  throw new InterrogatorError('ERR_MODEL_UNKNOWN', `The package has no graph of a ${kind} model called ${show(architecture)}.`, {
    hint: [
      near.length > 0 && `Nearest names: ${near.join(', ')}.`,
      `All of them: ${known.join(', ')}.`,
      `Other architectures are exported, with Python: npx torch-interrogator export ${kind}`,
    ]
      .filter(Boolean)
      .join('\n'),
  });
}

async function weightsFile(location: string): Promise<string> {
  const found = await stat(location).catch(() => undefined);
  if (!found) throw new InterrogatorError('ERR_IO', `There is no file of weights at ${location}.`, { hint: 'Check the path.' });
  if (!found.isDirectory()) return location;
  for (const name of NAMES) {
    const file = path.join(location, name);
    if (await isThere(file)) return file;
  }
  throw new InterrogatorError('ERR_IO', `The folder ${location} holds no weights: none of ${NAMES.join(', ')}.`, {
    hint: 'Name the file itself.',
  });
}

function stem(location: string): string {
  const name = path.basename(path.resolve(location));
  return path.parse(name).name || name;
}

/** Tells of bytes, in the stage 'copy'. */
async function copyAll(files: string[], folder: string, { signal, onProgress, total }: CallOptions & { total: number }): Promise<void> {
  let done = 0;
  for (const file of files) {
    const content = createReadStream(file, { highWaterMark: 1 << 20 });
    content.on('data', (part) => {
      done += part.length;
      onProgress?.({ stage: 'copy', done, total });
    });
    await pipeline(content, createWriteStream(path.join(folder, path.basename(file))), { signal });
  }
}

/** Fills a folder beside and puts it in the place once it is whole. What is there and is no bundle stays. */
async function replaceFolder(folder: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  if ((await isThere(folder)) && !(await isThere(path.join(folder, 'manifest.json')))) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `${folder} is there and is no bundle.`, { hint: 'Name a new folder.' });
  }
  const { dir, base } = path.parse(folder);
  const [temporary, replaced] = ['partial', 'replaced'].map((what) => path.join(dir, `.${base}.${randomUUID()}.${what}`)) as [
    string,
    string,
  ];
  try {
    await mkdir(temporary, { recursive: true });
    await fill(temporary);
    if (await isThere(folder)) await rename(folder, replaced);
    await rename(temporary, folder);
  } catch (cause) {
    if (!(await isThere(folder)) && (await isThere(replaced))) await rename(replaced, folder);
    if (cause instanceof InterrogatorError) throw cause;
    if ((cause as Error).name === 'AbortError') throw new AbortError(cause);
    throw new InterrogatorError('ERR_IO', `The bundle cannot be written to ${folder}: ${(cause as Error).message}`, { cause });
  } finally {
    for (const left of [temporary, replaced]) await rm(left, { recursive: true, force: true });
  }
}
