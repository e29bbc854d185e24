/** The thread that cleans and cuts long texts: a text comes, its token ids go, or whether it splits cleanly. */
import { parentPort, workerData } from 'node:worker_threads';
import { splitsCleanly } from './clean';
import { ClipTokenizer } from './clip-tokenizer';
import type { LongTextReply, LongTextTask, TokenizerSource } from './long-texts';

const { folder, ...options } = workerData as TokenizerSource;
const loading = ClipTokenizer.load(folder, options);
// Told of with the first text.
loading.catch(() => {});

parentPort?.on('message', async ({ text, wants }: LongTextTask) => {
  try {
    const answer = wants === 'encode' ? (await loading).encode(text) : splitsCleanly(text);
    parentPort?.postMessage({ answer } satisfies LongTextReply);
  } catch (error) {
    parentPort?.postMessage({ message: (error as Error).message } satisfies LongTextReply);
  }
});
