/** The term lists of clip-interrogator, out of its own wheel: fetched once, for all models. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { hasCode, InterrogatorError, throwIfAborted } from '../errors';
import { cacheFolder } from '../files/cache-folder';
import type { FetchListener } from '../net/fetch-listener';
import type { Wheel } from '../wheels';

/** The version whose answers ours equal. */
const WHEEL: Wheel = {
  name: 'clip-interrogator',
  version: '0.6.0',
  file: 'clip_interrogator-0.6.0-py3-none-any.whl',
  sha256: 'cd7c6bf9db170f005b4179e943fc1658aa0f8eebcc75ab3428b0a992aaeabd1c',
};

export interface VocabularyOptions {
  /** False: only what was fetched before. Default true. */
  download?: boolean;
  onProgress?: FetchListener;
  signal?: AbortSignal | undefined;
}

/** Where the lists lie once they were fetched. */
export function referenceVocabularyFolder(): string {
  return path.join(cacheFolder(), 'vocabulary', `${WHEEL.name}-${WHEEL.version}`);
}

/**
 * The folder with artists.txt, flavors.txt, mediums.txt, movements.txt, negative.txt and their LICENSE; 0.8 MB to fetch, 1.9 MB on disk.
 * Whole or not at all; processes that want it at once fetch it once.
 * Rejects with ERR_VOCABULARY_NOT_FOUND where it is not there and cannot be fetched, ERR_CONFIG (pip's settings), ERR_IO, or an AbortError.
 */
export async function referenceVocabulary({ download = true, onProgress, signal }: VocabularyOptions = {}): Promise<string> {
  const folder = referenceVocabularyFolder();
  throwIfAborted(signal);
  if (existsSync(folder)) return folder;
  if (!download) throw notFound('were not fetched yet, and nothing is to be downloaded');
  // Only those who fetch pay for the code and the libraries that fetching takes.
  const { install } = require('../wheels') as typeof import('../wheels');
  const installation = { title: 'the term lists', wheels: [WHEEL], place, space: 2e7, hint: HINT };
  try {
    await install(folder, installation, { ...(onProgress && { report: onProgress }), signal });
  } catch (error) {
    if (!hasCode(error, 'ERR_NETWORK')) throw error;
    throw notFound(`could not be fetched. ${(error as InterrogatorError).problem}`, error);
  }
  return folder;
}

function place(name: string): string | undefined {
  return /^clip_interrogator\/data\/([^/]+\.txt)$/.exec(name)?.[1] ?? /\.dist-info\/(LICENSE)$/.exec(name)?.[1];
}

const HINT =
  "Run: npx torch-interrogator setup, where the Python package index (pip's settings: PIP_INDEX_URL, pip.conf) can be reached, " +
  'or set dataPath to a folder of term lists (artists.txt, flavors.txt, mediums.txt, movements.txt, negative.txt).';

function notFound(what: string, cause?: unknown): InterrogatorError {
  const fault = `The term lists of clip-interrogator ${WHEEL.version} ${what}`;
  return new InterrogatorError('ERR_VOCABULARY_NOT_FOUND', fault.replace(/[^.]$/, '$&.'), { hint: HINT, cause });
}
