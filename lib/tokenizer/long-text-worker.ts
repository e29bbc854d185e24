/** The thread that cleans and cuts long texts: a text comes, its token ids go, or whether it splits cleanly. An error ends the thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { ClipTokenizer } from './clip-tokenizer';
import type { CompiledSource, LongTextTask, TokenizerSource } from './long-texts';

const source = workerData as TokenizerSource | CompiledSource;
const loading = 'compiled' in source ? Promise.resolve(ClipTokenizer.of(source)) : ClipTokenizer.load(source.folder, source);

parentPort?.on('message', async ({ text, wants }: LongTextTask) => {
  parentPort?.postMessage((await loading)[wants](text));
});
