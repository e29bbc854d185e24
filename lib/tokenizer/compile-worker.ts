/** The thread that reads a tokenizer's files and makes its tables. It answers once; an error ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { captionTokenizerIn, tokenizerIn } from './compile/folder';

const { folder, file, decodes, cleansUp } = workerData as { folder: string; file?: string; decodes: boolean; cleansUp?: boolean };

parentPort?.postMessage(decodes ? captionTokenizerIn(folder, { file, cleansUp }) : tokenizerIn(folder, { file }));
