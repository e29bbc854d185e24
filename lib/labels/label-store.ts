/** Where label embeddings come from: the cache folder, the bundle, the network, or the text tower. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { debuglog } from 'node:util';
import { bundleFolderName } from '../bundles/bundle';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { hasCode, throwIfAborted } from '../errors';
import { acquireLock } from '../files/lock';
import type { NativeLabelMatrix } from '../native/types';
import { buildInParts, buildLabels, isBuiltInParts } from './label-build';
import { downloadLabels, mayDownloadLabels } from './label-download';
import { seal } from './label-file';
import { inOneProcess } from './label-lock';
import { LabelParts } from './label-parts';
import { isOfFile, openLabels, type WantedLabels, wantedLabels } from './wanted-labels';

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
export async function obtainLabelMatrix(engine: Engine, { labels, name, isBuiltIn }: LabelSet, call: Call): Promise<NativeLabelMatrix> {
  const wanted = await wantedLabels(engine, labels, call);
  if (name === null) return buildLabels(wanted, 'labels');
  const { clipBundle, config } = engine;
  const stage = `labels ${name}`;
  const prefix = bundleFolderName(clipBundle.manifest.name);
  // A caller's table does not overwrite a built-in one of the same name.
  const isShared = !isBuiltIn && (TABLE_NAMES as readonly string[]).includes(name);
  const tables = config.cachePath === null ? [] : isShared ? [`${name}.own`, name] : [name];
  const cached = tables.map((table) => path.resolve(config.cachePath as string, `${prefix}_${table}.safetensors`));
  const [kept] = cached;
  const parts = kept !== undefined && isBuiltInParts(labels) ? LabelParts.of(wanted, kept) : undefined;
  for (const file of [...cached, path.join(clipBundle.folder, 'labels', `${prefix}_${name}.safetensors`)]) {
    const found = await openCached(wanted, file, cached.includes(file));
    if (!found) continue;
    // Of a process that was killed when the table was whole.
    await parts?.remove();
    return found;
  }
  if (kept === undefined) return buildLabels(wanted, stage);
  const make = async (): Promise<NativeLabelMatrix> => (!isShared && (await download(wanted, kept))) || build(wanted, stage, kept, parts);
  if (!parts) return make();
  return inOneProcess(wanted, stage, parts, async () => (await openCached(wanted, kept, true)) ?? make());
}

/** Undefined where the file is not there, damaged, of other labels or another model: whoever asks goes on to the next source. */
async function openCached(wanted: WantedLabels, file: string, setAside: boolean): Promise<NativeLabelMatrix | undefined> {
  try {
    return await openLabels(wanted, file);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ERR_LABELS_MISMATCH'].includes(code)) return undefined;
    if (!isOfFile(error)) throw error;
    await reportDamaged(file, error as Error, setAside && hasCode(error, 'ERR_LABELS_DAMAGED'));
    return undefined;
  }
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
async function download(wanted: WantedLabels, file: string): Promise<NativeLabelMatrix | undefined> {
  const { engine, call } = wanted;
  if (!mayDownloadLabels(engine)) return undefined;
  const partial = `${file}.${randomUUID()}.part`;
  let matrix: NativeLabelMatrix | undefined;
  let release: (() => Promise<void>) | undefined;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    release = await acquireLock(`${file}.incomplete.lock`, { signal: call.signal });
    // Another one may have fetched it meanwhile.
    const found = await openCached(wanted, file, true);
    if (found) return found;
    await downloadLabels(engine, file, partial, call);
    matrix = await openLabels(wanted, partial);
    await seal(partial, file, call.signal);
    return matrix;
  } catch (error) {
    matrix?.close();
    throwIfAborted(call.signal);
    debug('%s was not downloaded: %s', file, error);
    return undefined;
  } finally {
    await rm(partial, { force: true }).catch(() => {});
    await release?.().catch((error: unknown) => debug('the lock of %s cannot be removed: %s', file, error));
  }
}

/** Made by the text tower, and kept in the file. */
async function build(wanted: WantedLabels, stage: string, file: string, parts: LabelParts | undefined): Promise<NativeLabelMatrix> {
  const matrix = await (parts ? buildInParts(wanted, stage, parts) : buildLabels(wanted, stage));
  let kept: NativeLabelMatrix | undefined;
  try {
    kept = await keep(wanted, matrix, file, parts);
  } catch (error) {
    matrix.close();
    throw error;
  }
  if (!kept) return matrix;
  matrix.close();
  await parts?.remove();
  return kept;
}

/** A cache that cannot be written costs time at the next start, not this answer. */
async function keep(
  { engine, hash, call }: WantedLabels,
  matrix: NativeLabelMatrix,
  file: string,
  parts: LabelParts | undefined,
): Promise<NativeLabelMatrix | undefined> {
  try {
    // In the folder of parts what a killed process leaves behind is removed with them.
    const made = parts ? path.join(parts.folder, 'whole') : `${file}.${randomUUID()}.part`;
    await (parts ? parts.makeFolder() : mkdir(path.dirname(made), { recursive: true }));
    await engine.binding.writeLabelMatrix(made, matrix);
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
