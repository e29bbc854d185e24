/** What is under way, on the terminal's last line. It is taken away before a line of output, into which the API's own bars would run. */
import type { ProgressEvent } from '../index';
import { createFetchBar } from '../terminal/fetch-bar';

const PAUSE_MS = 100;
/** Between lines, where there is no terminal. */
const LINE_PAUSE_MS = 10_000;
/** Labels. Smaller tables are made in seconds. */
const LONG_TABLE = 1024;
const ERASE = '\r\x1b[K';

let shown = false;
let next = 0;
const fetching = createFetchBar();

/** A download lasts, so that it is told of wherever stderr leads; the rest shows on a terminal alone. */
export function showStatus({ stage, done, total }: ProgressEvent): void {
  const [, name] = /^download ?(.*)$/.exec(stage) ?? [];
  if (name !== undefined) {
    fetching.update(`Downloading ${name || 'label embeddings'}`, done, total);
    return;
  }
  fetching.stop();
  if (total <= 1 || performance.now() < next) return;
  if (!process.stderr.isTTY) {
    // Of what may take hours it is told wherever stderr leads.
    if (!/^labels /.test(stage) || total < LONG_TABLE) return;
    next = performance.now() + LINE_PAUSE_MS;
    process.stderr.write(`Embedding ${stage.replace(/^labels /, '')} ${done}/${total}\n`);
    return;
  }
  next = performance.now() + PAUSE_MS;
  shown = true;
  process.stderr.write(`${ERASE}${stage} ${done}/${total}`);
}

/** A line of the caller's, which takes the place of the last one. On a terminal alone; it must not be wider. */
export function showLine(line: string): void {
  shown = true;
  process.stderr.write(`${ERASE}${line}`);
}

export function eraseStatus(): void {
  fetching.stop();
  if (shown) process.stderr.write(ERASE);
  shown = false;
}
