/** Where label embeddings come from: the cache folder, the bundle, the network, or the text tower. */
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { bundleFolderName } from '../bundles/bundle';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { inTurns } from '../engine/turns';
import { hasCode, throwIfAborted } from '../errors';
import type { NativeFeatures, NativeLabelMatrix } from '../native/types';
import { downloadLabels } from './label-download';
import { requireIntact, seal } from './label-file';

/** The tables that every interrogator has. Their cache files are clip-interrogator's own. */
export const TABLE_NAMES = ['artists', 'flavors', 'mediums', 'movements', 'trendings', 'negative'] as const;
export type TableName = (typeof TABLE_NAMES)[number];

export interface LabelSet {
  labels: readonly string[];
  /** The table's name in file names; null keeps it out of all files. */
  name: string | null;
  /** One of TABLE_NAMES as the interrogator made it, not a table that a caller gave that name. */
  isBuiltIn: boolean;
}

/** The embeddings of a set of labels, one row a label, from wherever they can be had soonest. */
export async function obtainLabelMatrix(engine: Engine, set: LabelSet, call: Call): Promise<NativeLabelMatrix> {
  const hash = await hashOf(set.labels, call.signal);
  const [kept, ...others] = cacheFiles(engine, set);
  for (const file of [kept, ...others]) {
    const found = file && (await openCached(engine, file, hash, set, call, { setAside: true }));
    if (found) return found;
  }
  const found =
    (await openCached(engine, bundledFile(engine, set.name), hash, set, call, { setAside: false })) ||
    (kept && others.length === 0 && (await downloaded(engine, kept, hash, set, call)));
  return found || build(engine, kept, hash, set, call);
}

/** Labels hashed before others get a turn: some 4 MB at the most that a term list may have. */
const HASHED_AT_ONCE = 64;

/** SHA-256 of the labels, joined by commas, in hexadecimal digits. */
async function hashOf(labels: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  const starts = Array.from({ length: Math.ceil(labels.length / HASHED_AT_ONCE) }, (_, i) => i * HASHED_AT_ONCE);
  await inTurns(starts, signal, (start) => {
    hash.update((start > 0 ? ',' : '') + labels.slice(start, start + HASHED_AT_ONCE).join(','));
  });
  return hash.digest('hex');
}

function fileName(engine: Engine, table: string): string {
  return `${bundleFolderName(engine.clipBundle.manifest.name)}_${table}.safetensors`;
}

/** Where embeddings may lie, first of all where new ones are kept. A caller's table does not overwrite a built-in one of the same name. */
function cacheFiles(engine: Engine, { name, isBuiltIn }: LabelSet): string[] {
  const { cachePath } = engine.config;
  if (name === null || cachePath === null) return [];
  const isShared = !isBuiltIn && (TABLE_NAMES as readonly string[]).includes(name);
  const tables = isShared ? [`${name}.own`, name] : [name];
  return tables.map((table) => path.resolve(cachePath, fileName(engine, table)));
}

function bundledFile(engine: Engine, name: string | null): string | undefined {
  return name === null ? undefined : path.join(engine.clipBundle.folder, 'labels', fileName(engine, name));
}

/** Undefined where the file is not there, damaged, of other labels or another model: whoever asks goes on to the next source. */
async function openCached(
  engine: Engine,
  file: string | undefined,
  hash: string,
  { labels }: LabelSet,
  call: Call,
  { setAside }: { setAside: boolean },
): Promise<NativeLabelMatrix | undefined> {
  if (!file || !(await exists(file))) return undefined;
  try {
    await requireIntact(file, call.signal);
    const matrix = await engine.binding.openLabelMatrix(file, { hash, dim: engine.clipBundle.manifest.embedDim });
    return await closedUnlessFit(engine, matrix, labels, call);
  } catch (error) {
    if (hasCode(error, 'ERR_LABELS_MISMATCH')) return undefined;
    const isOfFile = hasCode(error, 'ERR_LABELS_DAMAGED', 'ERR_IO') || (error as NodeJS.ErrnoException).syscall !== undefined;
    if (!isOfFile) throw error;
    await reportDamaged(file, error as Error, setAside && hasCode(error, 'ERR_LABELS_DAMAGED'));
    return undefined;
  }
}

/** The matrix where it is of these labels and this model. */
async function closedUnlessFit(
  engine: Engine,
  matrix: NativeLabelMatrix,
  labels: readonly string[],
  call: Call,
): Promise<NativeLabelMatrix | undefined> {
  let fits = false;
  try {
    fits = matrix.rows === labels.length && (await isOfThisModel(engine, matrix, labels, call));
    return fits ? matrix : undefined;
  } finally {
    if (!fits) matrix.close();
  }
}

/**
 * The file's name and hash speak of the model's name and the labels, not of the weights, so a few labels are encoded
 * again: each must be as good as identical to a row. Float16 and half-precision towers stay within 1e-3.
 */
async function isOfThisModel(engine: Engine, matrix: NativeLabelMatrix, labels: readonly string[], call: Call): Promise<boolean> {
  const places = [...new Set([0, Math.floor(labels.length / 2), labels.length - 1])];
  using features = await engine.clip.textFeatures(
    places.map((place) => labels[place] as string),
    call,
  );
  const { similarities } = await engine.binding.topK([matrix], features, 1, {}, call.token);
  return similarities.every((similarity) => similarity > 0.999);
}

async function reportDamaged(file: string, error: Error, setAside: boolean): Promise<void> {
  const aside = `${file}.damaged`;
  const moved =
    setAside &&
    (await rename(file, aside).then(
      () => true,
      () => false,
    ));
  // What was set aside and is damaged again is told of again.
  const tell = moved ? emitWarning : warn;
  tell(
    `Label embeddings cannot be read and are made again: ${error.message}${moved ? ` The file was set aside as ${aside}.` : ''}`,
    'ERR_LABELS_DAMAGED',
  );
}

async function downloaded(
  engine: Engine,
  file: string,
  hash: string,
  { labels }: LabelSet,
  call: Call,
): Promise<NativeLabelMatrix | undefined> {
  const { signal, report } = call;
  const matrix = await downloadLabels(engine, { file, hash, signal, report });
  return matrix && closedUnlessFit(engine, matrix, labels, call);
}

async function build(
  engine: Engine,
  file: string | undefined,
  hash: string,
  { labels, name }: LabelSet,
  call: Call,
): Promise<NativeLabelMatrix> {
  const stage = name === null ? 'labels' : `labels ${name}`;
  using features = await engine.clip.textFeatures(labels, call, stage);
  const kept = file && (await keep(engine, file, features, hash, call));
  return kept || (await engine.binding.labelMatrixFromFeatures(features, hash));
}

/** A cache that cannot be written costs time at the next start, not this answer. */
async function keep(
  engine: Engine,
  file: string,
  features: NativeFeatures,
  hash: string,
  { token, signal }: Call,
): Promise<NativeLabelMatrix | undefined> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const made = `${file}.${randomUUID()}.part`;
    await engine.binding.writeLabelMatrix(made, features, hash, token);
    await seal(made, file, signal);
    return await engine.binding.openLabelMatrix(file, { hash });
  } catch (error) {
    throwIfAborted(signal);
    if (hasCode(error, 'ERR_DISPOSED')) throw error;
    warn(`Label embeddings cannot be kept in ${file}: ${(error as Error).message}`, 'ERR_IO');
    return undefined;
  }
}

const warned = new Set<string>();

function warn(message: string, code: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  emitWarning(message, code);
}

function emitWarning(message: string, code: string): void {
  process.emitWarning(message, { type: 'TorchInterrogatorWarning', code });
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
