/** Bundles on disk: which folder a model's name means, and what its manifest says. See docs/bundle-format.md. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { nearest } from '../arguments/nearest';
import { InterrogatorError } from '../errors';
import type { CleanMode } from '../tokenizer';
import { bundleHome } from './cache-folder';
import { type BundleKind, catalog, PACKAGE_MODELS } from './catalog';

export type { BundleKind } from './catalog';

const FORMAT_VERSION = 1;

export interface TokenizerManifest {
  file: string;
  /** CLIP only: text cleaning before the tokenizer, 'lower' or 'whitespace'. */
  clean?: CleanMode;
}

interface CommonManifest {
  formatVersion: number;
  name: string;
  tokenizer: TokenizerManifest;
  /** `weights`: 'hub' for a name's published weights, 'checkpoint', or 'untrained'. */
  source?: { weights?: string };
}

/** What lib/ reads of a CLIP bundle's manifest; the core reads the rest. */
export interface ClipManifest extends CommonManifest {
  kind: 'clip';
  embedDim: number;
  text: { contextLength: number; padId: number; sotId: number; eotId: number };
  /** Paths relative to the folder, with '/'. */
  vocabulary?: string[];
}

export interface CaptionManifest extends CommonManifest {
  kind: 'caption';
  decoder: { maxPositions: number; promptIds: readonly number[] };
}

export type Manifest = ClipManifest | CaptionManifest;

export interface Bundle<M extends Manifest = Manifest> {
  /** Absolute path. */
  folder: string;
  manifest: M;
}

/** A bundle's folder name: the model's name with `/` and `@` replaced by `_`. */
export function bundleFolderName(name: string): string {
  return name.replaceAll('/', '_').replaceAll('@', '_');
}

/**
 * Reads and checks a bundle's manifest. Throws ERR_BUNDLE_NOT_FOUND, ERR_BUNDLE_INVALID, ERR_BUNDLE_VERSION;
 * ERR_BUNDLE_KIND where it is not of the given kind.
 */
export async function readBundle(folder: string, kind: 'clip'): Promise<Bundle<ClipManifest>>;
export async function readBundle(folder: string, kind: 'caption'): Promise<Bundle<CaptionManifest>>;
export async function readBundle(folder: string, kind?: BundleKind): Promise<Bundle>;
export async function readBundle(folder: string, kind?: BundleKind): Promise<Bundle> {
  const manifest = await readManifest(folder);
  if (kind && manifest.kind !== kind) {
    throw new InterrogatorError('ERR_BUNDLE_KIND', `${folder} is a ${manifest.kind} bundle; a ${kind} bundle is needed here.`);
  }
  return { folder: path.resolve(folder), manifest };
}

/**
 * Finds the bundle that a model's name or a folder means. Looked for, in order: the folder itself; `searchFolder`
 * (a bundle, or a folder of bundles); the bundle home; the package's own models.
 * Throws ERR_MODEL_UNKNOWN with the nearest names, and what readBundle throws.
 */
export async function resolveBundle(kind: 'clip', name: string, searchFolder: string | null): Promise<Bundle<ClipManifest>>;
export async function resolveBundle(kind: 'caption', name: string, searchFolder: string | null): Promise<Bundle<CaptionManifest>>;
export async function resolveBundle(kind: BundleKind, name: string, searchFolder: string | null): Promise<Bundle> {
  const folderName = bundleFolderName(name);
  const explicit = [name, ...(searchFolder === null ? [] : [searchFolder])];
  const homes = [...(searchFolder === null ? [] : [searchFolder]), bundleHome(), PACKAGE_MODELS];
  for (const folder of [...explicit, ...homes.map((home) => path.join(home, folderName))]) {
    for (const candidate of [folder, path.join(folder, kind)]) {
      if (await isFile(path.join(candidate, 'manifest.json'))) {
        // A folder with both kinds in it has one in each subfolder, so the other kind here is the caller's mistake.
        return readBundle(candidate, kind);
      }
    }
  }
  if (await isFolder(name)) {
    throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `The folder ${path.resolve(name)} holds no ${kind} bundle.`, {
      hint: 'A bundle is a folder with a manifest.json, as `torch-interrogator export` writes it.',
    });
  }
  if (path.isAbsolute(name) || /^\.{1,2}[\\/]/.test(name)) {
    throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `There is no folder ${path.resolve(name)}.`, { hint: 'Check the path.' });
  }
  throw await unknownModel(kind, name);
}

/** A bundle that a name can reach. */
export interface InstalledBundle {
  kind: BundleKind;
  name: string;
  folder: string;
}

/** Every readable bundle in the bundle home and in the package's models. */
export async function installedBundles(): Promise<InstalledBundle[]> {
  const folders: string[] = [];
  for (const home of [bundleHome(), PACKAGE_MODELS]) {
    for (const name of await folderNames(home)) {
      const folder = path.join(home, name);
      folders.push(folder, path.join(folder, 'clip'), path.join(folder, 'caption'));
    }
  }
  const bundles = await Promise.all(folders.map((folder) => readBundle(folder).catch(() => undefined)));
  return bundles.flatMap((bundle) => (bundle ? [{ kind: bundle.manifest.kind, name: bundle.manifest.name, folder: bundle.folder }] : []));
}

async function unknownModel(kind: BundleKind, name: string): Promise<InterrogatorError> {
  const installed = (await installedBundles()).filter((bundle) => bundle.kind === kind);
  const installedNames = installed.flatMap((bundle) => [bundle.name, shortName(bundle)]);
  const entry = catalog().find((model) => model.kind === kind && model.name === name);
  if (entry?.supported) {
    return new InterrogatorError('ERR_MODEL_UNKNOWN', `The ${kind} model ${name} is not installed.`, {
      hint: `Export it with: npx torch-interrogator export ${kind} ${name}`,
    });
  }
  if (entry) {
    return new InterrogatorError('ERR_MODEL_UNKNOWN', `The ${kind} model ${name} is not supported by this version.`, {
      hint: `Installed: ${[...new Set(installedNames)].join(', ') || 'none'}. List the names with: npx torch-interrogator models`,
    });
  }
  const supported = catalog().filter((model) => model.kind === kind && model.supported);
  const near = nearest(name, [...new Set([...installedNames, ...supported.map((model) => model.name)])], 3);
  const [first] = near;
  const exportable = supported.some((model) => model.name === first) && !installedNames.includes(first as string);
  const hints = [
    ...(first ? [`Nearest names: ${near.join(', ')}.`] : []),
    ...(exportable ? [`Export one with: npx torch-interrogator export ${kind} ${first}`] : []),
    'List the names with: npx torch-interrogator models',
  ];
  return new InterrogatorError('ERR_MODEL_UNKNOWN', `There is no ${kind} model called ${JSON.stringify(name)}.`, {
    hint: hints.join('\n'),
  });
}

/** The name that resolves to a folder: of `models/sample/clip`, `sample`. */
function shortName({ folder, kind }: InstalledBundle): string {
  return path.basename(path.basename(folder) === kind ? path.dirname(folder) : folder);
}

async function readManifest(folder: string): Promise<Manifest> {
  const file = path.join(folder, 'manifest.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new InterrogatorError('ERR_BUNDLE_NOT_FOUND', `There is no bundle at ${folder}: no manifest.json in it.`, { cause });
    }
    throw new InterrogatorError('ERR_IO', `Cannot read ${file}: ${message}`, { cause });
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw invalid(file, `not JSON: ${(cause as Error).message}`, cause);
  }
  return checkedManifest(file, manifest);
}

function checkedManifest(file: string, manifest: unknown): Manifest {
  if (manifest === null || typeof manifest !== 'object') throw invalid(file, 'not a JSON object');
  const { formatVersion, kind, name, tokenizer } = manifest as Partial<Manifest>;
  if (!Number.isInteger(formatVersion)) throw invalid(file, 'no formatVersion');
  if ((formatVersion as number) > FORMAT_VERSION) {
    throw new InterrogatorError(
      'ERR_BUNDLE_VERSION',
      `${file} has format version ${formatVersion}; this package reads up to ${FORMAT_VERSION}.`,
      { hint: 'Update torch-interrogator, or export the bundle with this version.' },
    );
  }
  if (kind !== 'clip' && kind !== 'caption') throw invalid(file, `kind is ${JSON.stringify(kind)}, not "clip" or "caption"`);
  if (typeof name !== 'string') throw invalid(file, 'no name');
  if (typeof tokenizer?.file !== 'string') throw invalid(file, 'no tokenizer.file');
  requireListed(file, manifest, tokenizer.file);
  if (kind === 'clip') {
    const { embedDim, text, vocabulary } = manifest as Partial<ClipManifest>;
    if (!Number.isInteger(embedDim)) throw invalid(file, 'no embedDim');
    for (const field of ['contextLength', 'padId', 'sotId', 'eotId'] as const) {
      if (!Number.isInteger(text?.[field])) throw invalid(file, `no text.${field}`);
    }
    if (!Array.isArray(vocabulary ?? []) || !(vocabulary ?? []).every((each) => typeof each === 'string'))
      throw invalid(file, 'vocabulary is not a list of files');
    for (const list of vocabulary ?? []) requireListed(file, manifest, list);
  } else {
    const { maxPositions, promptIds } = (manifest as Partial<CaptionManifest>).decoder ?? {};
    if (!Number.isInteger(maxPositions) || !Array.isArray(promptIds)) throw invalid(file, 'no decoder.maxPositions or promptIds');
  }
  return manifest as Manifest;
}

/** What is read here must be among the files whose hashes, and whose place in the folder, the core checks. */
function requireListed(file: string, manifest: object, name: string): void {
  const { files } = manifest as { files?: unknown };
  if (typeof files !== 'object' || files === null || !Object.hasOwn(files, name)) throw invalid(file, `${name} is not among its files`);
}

function invalid(file: string, what: string, cause?: unknown): InterrogatorError {
  return new InterrogatorError('ERR_BUNDLE_INVALID', `${file} cannot be used: ${what}.`, {
    hint: 'Export the bundle again.',
    cause,
  });
}

async function folderNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  } catch {
    return [];
  }
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function isFolder(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
