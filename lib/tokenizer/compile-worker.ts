/** The thread that reads a tokenizer's files and makes its tables. It answers once; an error ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { tokenizerIn } from './compile/folder';

const { folder, file } = workerData as { folder: string; file?: string };

parentPort?.postMessage(tokenizerIn(folder, file));
