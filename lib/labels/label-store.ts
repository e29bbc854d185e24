/** Where label embeddings come from: the cache folder, the bundle, the network, or the text tower. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { debuglog } from 'node:util';
import { bundleFolderName } from '../bundles/bundle';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { inTurns } from '../engine/turns';
import { hasCode, InterrogatorError, throwIfAborted } from '../errors';
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

/** What is looked for: embeddings of these labels, of this model. */
interface Wanted {
  engine: Engine;
  labels: readonly string[];
  /** Of the labels, as label files hold it. */
  hash: string;
  call: Call;
}

/** The embeddings of a set of labels, one row a label, from wherever they can be had soonest. */
export async function obtainLabelMatrix(engine: Engine, { labels, name, isBuiltIn }: LabelSet, call: Call): Promise<NativeLabelMatrix> {
  const wanted = { engine, labels, call, hash: await hashOf(labels, call.signal) };
  if (name === null) return build(wanted, 'labels');
  const { clipBundle, config } = engine;
  const prefix = bundleFolderName(clipBundle.manifest.name);
  // A caller's table does not overwrite a built-in one of the same name.
  const isShared = !isBuiltIn && (TABLE_NAMES as readonly string[]).includes(name);
  const tables = config.cachePath === null ? [] : isShared ? [`${name}.own`, name] : [name];
  const cached = tables.map((table) => path.resolve(config.cachePath as string, `${prefix}_${table}.safetensors`));
  for (const file of [...cached, path.join(clipBundle.folder, 'labels', `${prefix}_${name}.safetensors`)]) {
    const found = await openCached(wanted, file, cached.includes(file));
    if (found) return found;
  }
  const [kept] = cached;
  return (kept && !isShared && (await download(wanted, kept))) || build(wanted, `labels ${name}`, kept);
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

/** Undefined where the file is not there, damaged, of other labels or another model: whoever asks goes on to the next source. */
async function openCached(wanted: Wanted, file: string, setAside: boolean): Promise<NativeLabelMatrix | undefined> {
  try {
    return await open(wanted, file);
  } catch (error) {
    const { code = '', syscall } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ERR_LABELS_MISMATCH'].includes(code)) return undefined;
    const isOfFile = hasCode(error, 'ERR_LABELS_DAMAGED', 'ERR_IO') || syscall !== undefined;
    if (!isOfFile) throw error;
    await reportDamaged(file, error as Error, setAside && hasCode(error, 'ERR_LABELS_DAMAGED'));
    return undefined;
  }
}

/** The matrix in the file. Throws ERR_LABELS_MISMATCH where it is of other labels or another model, and what is wrong with the file. */
async function open(wanted: Wanted, file: string): Promise<NativeLabelMatrix> {
  const { engine, hash, labels, call } = wanted;
  await requireIntact(file, call.signal);
  const matrix = await engine.binding.openLabelMatrix(file, { hash, dim: engine.clipBundle.manifest.embedDim });
  try {
    if (matrix.rows === labels.length && (await isOfThisModel(wanted, matrix))) return matrix;
    throw new InterrogatorError('ERR_LABELS_MISMATCH', `${file} was not made with this model.`);
  } catch (error) {
    matrix.close();
    throw error;
  }
}

/**
 * The file's name and hash speak of the model's name and the labels, not of the weights, so a few labels are encoded
 * again: each must be as good as identical to a row. Float16 and half-precision towers stay within 1e-3.
 */
async function isOfThisModel({ engine, labels, call }: Wanted, matrix: NativeLabelMatrix): Promise<boolean> {
  const places = [...new Set([0, Math.floor(labels.length / 2), labels.length - 1])];
  const texts = places.map((place) => labels[place] as string);
  using features = await engine.clip.textFeatures(texts, call);
  const { similarities } = await engine.binding.topK([matrix], features, 1, {}, call.token);
  return similarities.every((similarity) => similarity > 0.999);
}

async function reportDamaged(file: string, error: Error, setAside: boolean): Promise<void> {
  const aside = `${file}.damaged`;
  const moved = setAside && (await rename(file, aside).catch(() => false)) !== false;
  const fate = moved ? ` The file was set aside as ${aside}.` : '';
  // What was set aside and is damaged again is told of again.
  const tell = moved ? emitWarning : warn;
  tell(`Label embeddings cannot be read and are made again: ${error.message}${fate}`, 'ERR_LABELS_DAMAGED');
}

/** A saving, never a need: undefined where there is none, or none that fits. It is checked before it takes its name. */
async function download(wanted: Wanted, file: string): Promise<NativeLabelMatrix | undefined> {
  const { engine, call } = wanted;
  const partial = `${file}.${randomUUID()}.part`;
  let matrix: NativeLabelMatrix | undefined;
  try {
    if (!(await downloadLabels(engine, path.basename(file), partial, call))) return undefined;
    matrix = await open(wanted, partial);
    await seal(partial, file, call.signal);
    return matrix;
  } catch (error) {
    matrix?.close();
    throwIfAborted(call.signal);
    debug('%s was not downloaded: %s', file, error);
    return undefined;
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
}

/** Made by the text tower, and kept in the file where one is named. */
async function build(wanted: Wanted, stage: string, file?: string): Promise<NativeLabelMatrix> {
  const { engine, labels, hash, call } = wanted;
  using features = await engine.clip.textFeatures(labels, call, stage);
  const kept = file && (await keep(wanted, features, file));
  return kept || (await engine.binding.labelMatrixFromFeatures(features, hash));
}

/** A cache that cannot be written costs time at the next start, not this answer. */
async function keep({ engine, hash, call }: Wanted, features: NativeFeatures, file: string): Promise<NativeLabelMatrix | undefined> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const made = `${file}.${randomUUID()}.part`;
    await engine.binding.writeLabelMatrix(made, features, hash, call.token);
    await seal(made, file, call.signal);
    return await engine.binding.openLabelMatrix(file, { hash });
  } catch (error) {
    throwIfAborted(call.signal);
    if (hasCode(error, 'ERR_DISPOSED')) throw error;
    warn(`Label embeddings cannot be kept in ${file}: ${(error as Error).message}`, 'ERR_IO');
    return undefined;
  }
}

const debug = debuglog('torch-interrogator');
const warned = new Set<string>();

function warn(message: string, code: string): void {
  if (warned.has(message)) return;
  warned.add(message);
  emitWarning(message, code);
}

function emitWarning(message: string, code: string): void {
  process.emitWarning(message, { type: 'TorchInterrogatorWarning', code });
}
