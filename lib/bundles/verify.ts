/** Whether a bundle's files are those that its manifest lists. TorchScript is code: nothing of a bundle is used before. */
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { AbortError, InterrogatorError, throwIfAborted } from '../errors';
import { type Bundle, knownFiles } from './bundle';

/**
 * Throws ERR_BUNDLE_INCOMPLETE where a file is missing, ERR_BUNDLE_DAMAGED where one has another size or, with `hashes`, another SHA-256,
 * and ERR_IO where one cannot be read. The signal ends it at once.
 */
export async function verifyFiles(bundle: Bundle, { hashes, signal }: { hashes: boolean; signal?: AbortSignal }): Promise<void> {
  const listed = knownFiles(bundle);
  const hint = remedy(bundle);
  for (const { file, bytes } of listed) {
    throwIfAborted(signal);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw new InterrogatorError('ERR_BUNDLE_INCOMPLETE', `The bundle's file ${file} is missing.`, hint);
    if (found.size !== bytes) {
      throw new InterrogatorError(
        'ERR_BUNDLE_DAMAGED',
        `The bundle's file ${file} has ${found.size} bytes, its manifest says ${bytes}.`,
        hint,
      );
    }
  }
  if (!hashes) return;
  const files = listed.map(({ file }) => file);
  const digests = await digestsOf(bundle.folder, files, signal);
  // Of some files that older programs left, the first digits alone are known.
  const damaged = files.find((_, i) => !digests[i]?.startsWith(listed[i]?.sha256 as string));
  if (damaged === undefined) return;
  throw new InterrogatorError('ERR_BUNDLE_DAMAGED', `The bundle's file ${damaged} is damaged: its SHA-256 is not the one declared.`, hint);
}

/** What to do about a file; what the code's own hint says, of a bundle that has its weights in it. */
function remedy({ graph, manifest }: Bundle): { hint?: string } {
  if (!graph) return {};
  if (manifest.source?.weights === 'hub') return { hint: `Fetch what is damaged again with: npx torch-interrogator pull ${manifest.name}` };
  return { hint: 'Put back the file that was imported, or import this one: npx torch-interrogator import' };
}

/** SHA-256 of each file, in hexadecimal digits; `folder` is what a failure names. By a thread: weights have gigabytes, and the event loop goes on. */
export async function digestsOf(folder: string, files: string[], signal: AbortSignal | undefined): Promise<string[]> {
  throwIfAborted(signal);
  const worker = new Worker(require.resolve('./hash-worker'), { name: 'torch-interrogator-hash', workerData: files });
  try {
    const ended = once(worker, 'exit').then(([code]) => {
      throw new Error(`its thread ended with code ${code}`);
    });
    const [digests] = await Promise.race([once(worker, 'message', { signal }), ended]);
    return digests;
  } catch (cause) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    throw new InterrogatorError('ERR_IO', `Cannot read the bundle in ${folder}: ${(cause as Error).message}`, { cause });
  } finally {
    await worker.terminate();
  }
}
