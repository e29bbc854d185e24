/** Tokenizers of the hub are made in a thread: to read the largest and to sort its vocabulary takes seconds. */
import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CompiledTokenizer } from '../pipeline';
import { unusable } from '../tokenizer-file';

const MOST_MEGABYTES = 3072;

/** Of a file of the folder, or of the folder of a repository. Rejects with `ERR_TOKENIZER` where that cannot be used. */
export async function compiledTokenizer(folder: string, file?: string): Promise<CompiledTokenizer> {
  const worker = new Worker(require.resolve('../compile-worker'), {
    name: 'torch-interrogator-tokenizer',
    workerData: { folder, file },
    resourceLimits: { maxOldGenerationSizeMb: MOST_MEGABYTES },
  });
  try {
    const [compiled] = await once(worker, 'message');
    return compiled as CompiledTokenizer;
  } catch (cause) {
    throw unusable(file === undefined ? folder : path.join(folder, file), cause, { isOfHub: file === undefined });
  } finally {
    await worker.terminate();
  }
}
