/** The thread that cleans and cuts long texts: a text comes, its token ids go, or whether it splits cleanly. An error ends the thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { splitsCleanly } from './clean';
import { ClipTokenizer } from './clip-tokenizer';
import type { LongTextTask, TokenizerSource } from './long-texts';

const { folder, ...options } = workerData as TokenizerSource;
const loading = ClipTokenizer.load(folder, options);

parentPort?.on('message', async ({ text, wants }: LongTextTask) => {
  parentPort?.postMessage(wants === 'encode' ? (await loading).encode(text) : splitsCleanly(text));
});
