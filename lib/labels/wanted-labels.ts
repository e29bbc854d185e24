/** Label embeddings that are looked for, and whether a file holds them. */
import { createHash } from 'node:crypto';
import type { Call } from '../engine/calls';
import type { Engine } from '../engine/engine';
import { inTurns } from '../engine/turns';
import { hasCode, InterrogatorError } from '../errors';
import type { NativeLabelMatrix } from '../native/types';
import { requireIntact } from './label-file';

/** Embeddings of these labels, of this model. */
export interface WantedLabels {
  engine: Engine;
  labels: readonly string[];
  /** Of the labels, as label files hold it. */
  hash: string;
  call: Call;
}

export async function wantedLabels(engine: Engine, labels: readonly string[], call: Call): Promise<WantedLabels> {
  return { engine, labels, call, hash: await hashOf(labels, call.signal) };
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

/** The matrix in the file. Throws ERR_LABELS_MISMATCH where it is of other labels or another model, and what is wrong with the file. */
export async function openLabels(wanted: WantedLabels, file: string): Promise<NativeLabelMatrix> {
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

/** What openLabels() threw is the file's fault, rather than an abort or a device's. */
export function isOfFile(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException;
  return hasCode(error, 'ERR_LABELS_MISMATCH', 'ERR_LABELS_DAMAGED', 'ERR_IO') || syscall !== undefined;
}

/**
 * The file's name and hash speak of the model's name and the labels, not of the weights, so a few labels are encoded
 * again: each must be as good as identical to a row. Float16 and half-precision towers stay within 1e-3.
 */
async function isOfThisModel({ engine, labels, call }: WantedLabels, matrix: NativeLabelMatrix): Promise<boolean> {
  const places = [...new Set([0, Math.floor(labels.length / 2), labels.length - 1])];
  const texts = places.map((place) => labels[place] as string);
  using features = await engine.clip.textFeatures(texts, call);
  const { similarities } = await engine.binding.topK([matrix], features, 1, {}, call.token);
  return similarities.every((similarity) => similarity > 0.999);
}
