/** Tokenizers of the hub are made in a thread: to read the largest and to sort its vocabulary takes seconds. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CompiledTokenizer } from '../pipeline';
import type { CompiledCaptionTokenizer } from '../pipeline/compiled';
import { unusable } from '../tokenizer-file';

const MOST_MEGABYTES = 3072;
/** The largest of the hub takes a few seconds. */
const LIMIT_MS = 120_000;

/** Of a file of the folder, or of the folder of a repository. Rejects with `ERR_TOKENIZER` where that cannot be used. */
export function compiledTokenizer(folder: string, file?: string): Promise<CompiledTokenizer> {
  return ask(folder, file, { decodes: false });
}

/** The same for a captioner, which decodes as well. */
export function compiledCaptionTokenizer(
  folder: string,
  { file, cleansUp }: { file?: string | undefined; cleansUp?: boolean | undefined },
): Promise<CompiledCaptionTokenizer> {
  return ask(folder, file, { decodes: true, cleansUp });
}

async function ask<T>(folder: string, file: string | undefined, wants: object): Promise<T> {
  const worker = new Worker(require.resolve('../compile-worker'), {
    name: 'torch-interrogator-tokenizer',
    workerData: { folder, file, ...wants },
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
  });
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), LIMIT_MS);
  try {
    const [answer] = await once(worker, 'message', { signal: end.signal });
    return answer as T;
  } catch (cause) {
    const why = end.signal.aborted ? new Error(`it takes more than ${LIMIT_MS / 1000} s to read`) : cause;
    throw unusable({ folder, file }, why);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
