/** The pictures of a folder, and what runs have kept of them. */
import path from 'node:path';
import type { Mode } from '../../api';
import { hasCode } from '../../errors';
import { picturesOf } from '../inputs';
import { shownPath } from '../inputs/shown-path';
import { locateState } from '../inspect/kept';
import { Ledger } from '../ledger/ledger';
import type { PictureLine } from '../ledger/line';
import type { RowError } from '../row';
import { NAME_MARK } from '../work/examine';

/** A picture of a folder. */
export interface ListedPicture {
  /** Below the folder, with slashes; bytes that are not UTF-8 are escaped (`\xff`). */
  path: string;
  /** Its path. Bytes: a name need not be UTF-8. */
  file: Buffer;
}

/** What the runs of a folder know of one picture. */
export interface KeptPicture {
  /** As ListedPicture has it. */
  path: string;
  /** SHA-256 of the encoded picture; null where it could not be read. */
  sha256: string | null;
  /** What the last run of each mode made of it, before any rules for words. */
  texts: Partial<Record<Mode, string>>;
  /** Of the decoded picture, in pixels. */
  width?: number;
  height?: number;
  /** Of what is there no result of. */
  error?: RowError;
  /** Unit-length image features of the CLIP model that was asked for, float32 of float16's precision. */
  features?: Float32Array;
}

export interface KeptOptions {
  /** The CLIP model, as a config names it, whose image features are wanted. Default: none are. */
  clipModelName?: string;
  signal?: AbortSignal;
}

/** In natural order, as runs find them: subfolders too, no hidden files. Rejects with ERR_IO where the folder cannot be read, and AbortError. */
export async function* listPictures(folder: string, { signal }: Pick<KeptOptions, 'signal'> = {}): AsyncGenerator<ListedPicture> {
  const root = path.resolve(folder);
  for await (const { file } of picturesOf([root], { signal })) {
    // What has no file is what could not be read.
    if (file) yield { path: shownPath(file.subarray(root.length + 1)), file };
  }
}

/** Nothing where no run has left anything. Rejects with ERR_IO, and AbortError. */
export async function* keptPictures(folder: string, { clipModelName, signal }: KeptOptions = {}): AsyncGenerator<KeptPicture> {
  const kept = await locateState(folder, undefined).catch((error) => {
    if (hasCode(error, 'ERR_INVALID_ARGUMENT')) return undefined;
    throw error;
  });
  if (!kept) return;
  const ledger = await Ledger.open(kept.state, { readOnly: true, ...(signal && { signal }) });
  try {
    const keys = clipModelName === undefined ? [] : featureKeysOf(ledger, clipModelName);
    for await (const line of ledger.pictures()) {
      const features = await featuresOf(ledger, line, keys);
      yield { ...keptOf(line, ledger), ...(features && { features }) };
    }
  } finally {
    await ledger.close();
  }
}

function featureKeysOf(ledger: Ledger, clipModelName: string): string[] {
  return [...ledger.settings].flatMap(([key, value]) => {
    const { task, model } = Object(value) as { task?: unknown; model?: unknown };
    return task === 'image features' && model === clipModelName ? [key] : [];
  });
}

async function featuresOf(ledger: Ledger, line: PictureLine, keys: readonly string[]): Promise<Float32Array | undefined> {
  for (const key of keys) {
    const row = await ledger.features(line, key);
    if (row) return row;
  }
  return undefined;
}

const MODE_TASKS = new Set<unknown>(['best', 'fast', 'classic', 'negative', 'caption'] satisfies Mode[]);

/** Later results of a mode stand behind earlier ones. */
function keptOf({ image, sha256, results = {}, errors = {} }: PictureLine, { settings }: Ledger): KeptPicture {
  const kept: KeptPicture = { path: image, sha256, texts: {} };
  for (const [key, { text, width, height }] of Object.entries(results)) {
    const { task } = Object(settings.get(key)) as { task?: Mode };
    if (text !== undefined && task !== undefined && MODE_TASKS.has(task)) kept.texts[task] = text;
    if (width !== undefined && height !== undefined) Object.assign(kept, { width, height });
  }
  const [error] = Object.values(errors);
  if (error && Object.keys(results).length === 0) kept.error = { ...error, message: error.message.replaceAll(NAME_MARK, () => image) };
  return kept;
}
