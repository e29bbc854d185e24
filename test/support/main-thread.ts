/** What the main thread has computed, as Linux counts it: what neighbours take from it is not among it. */
import { existsSync, readFileSync } from 'node:fs';

const STATISTICS = `/proc/self/task/${process.pid}/schedstat`;

export const countsMainThread = existsSync(STATISTICS);

/** Milliseconds since the process began; 0 on systems that do not tell. */
export function mainThreadTime(): number {
  return countsMainThread ? Number(readFileSync(STATISTICS, 'latin1').split(' ')[0]) / 1e6 : 0;
}

/** The most that the main thread computed from one turn of the event loop to the next. */
export async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let last = mainThreadTime();
  let longest = 0;
  const look = (): void => {
    const now = mainThreadTime();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  await work();
  look();
  clearInterval(timer);
  return longest;
}

/** What one plain pass over the samples of 6 megapixels costs here: some 30 ms. */
export function costOfOnePass(): number {
  const samples = new Uint8Array(3 * 3000 * 2000);
  const start = mainThreadTime();
  for (let at = 0; at < samples.length; at++) samples[at] = (at ^ (samples[at] as number)) & 255;
  return mainThreadTime() - start;
}
