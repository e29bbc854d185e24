/** What the main thread has computed, as Linux counts it: what neighbours take from it is not among it. */
import { existsSync, readFileSync } from 'node:fs';

const STATISTICS = `/proc/self/task/${process.pid}/schedstat`;

export const countsMainThread = existsSync(STATISTICS);

/** Milliseconds since the process began; 0 on systems that do not tell. */
export function mainThreadTime(): number {
  return countsMainThread ? Number(readFileSync(STATISTICS, 'latin1').split(' ')[0]) / 1e6 : 0;
}
