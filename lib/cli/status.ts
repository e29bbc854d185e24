/** What is under way, on the terminal's last line. It is taken away before a line of output, into which the API's own bars would run. */
import type { ProgressEvent } from '../index';

const PAUSE_MS = 100;
const ERASE = '\r\x1b[K';

let shown = false;
let next = 0;

export function showStatus({ stage, done, total }: ProgressEvent): void {
  if (total <= 1 || performance.now() < next) return;
  next = performance.now() + PAUSE_MS;
  shown = true;
  process.stderr.write(`${ERASE}${stage} ${done}/${total}`);
}

export function eraseStatus(): void {
  if (shown) process.stderr.write(ERASE);
  shown = false;
}
