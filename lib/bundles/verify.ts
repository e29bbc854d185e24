/** Whether a bundle's files are those that its manifest lists. TorchScript is code: nothing of a bundle is used before. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import type { Bundle } from './bundle';

/** What is hashed in one turn of the event loop: about a millisecond of it. Each read costs a turn too, and weights have gigabytes. */
const CHUNK = 512 * 1024;

/**
 * Throws ERR_BUNDLE_INCOMPLETE where a file is missing; with `hashes` also ERR_BUNDLE_DAMAGED where one has another size or SHA-256.
 * Files are read in chunks, one after the other; the signal ends it at the next chunk.
 */
export async function verifyFiles(
  { folder, manifest }: Bundle,
  { hashes, signal }: { hashes: boolean; signal?: AbortSignal },
): Promise<void> {
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    throwIfAborted(signal);
    const file = path.join(folder, ...name.split('/'));
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw new InterrogatorError('ERR_BUNDLE_INCOMPLETE', `The bundle's file ${file} is missing.`);
    if (!hashes) continue;
    if (found.size !== bytes) {
      throw new InterrogatorError('ERR_BUNDLE_DAMAGED', `The bundle's file ${file} has ${found.size} bytes, its manifest says ${bytes}.`);
    }
    if ((await sha256Of(file, signal)) !== sha256) {
      throw new InterrogatorError(
        'ERR_BUNDLE_DAMAGED',
        `The bundle's file ${file} is damaged: its SHA-256 is not the one in the manifest.`,
      );
    }
  }
}

async function sha256Of(file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK, signal })) hash.update(chunk as Buffer);
  } catch (cause) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    throw new InterrogatorError('ERR_IO', `Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return hash.digest('hex');
}
