/** The thread that cleans and cuts long texts: a text comes, its token ids go. */
import { parentPort, workerData } from 'node:worker_threads';
import { ClipTokenizer } from './clip-tokenizer';
import type { LongTextReply, TokenizerSource } from './long-texts';

const { folder, ...options } = workerData as TokenizerSource;
const loading = ClipTokenizer.load(folder, options);
// Told of with the first text.
loading.catch(() => {});

parentPort?.on('message', async (text: string) => {
  try {
    const ids = (await loading).encode(text);
    parentPort?.postMessage({ ids } satisfies LongTextReply);
  } catch (error) {
    parentPort?.postMessage({ message: (error as Error).message } satisfies LongTextReply);
  }
});
