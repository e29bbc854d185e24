/** How much memory something takes. */
import { readFileSync, writeFileSync } from 'node:fs';

const MOST_MEMORY = 200_000; // KiB, more than at the start; 120,000 are seen

/** KiB. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/** Fails where what ran in between ever took far more memory than the files are large. Linux alone can forget the most that was before. */
export async function inLittleMemory(attempts: () => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') return attempts();
  writeFileSync('/proc/self/clear_refs', '5');
  const before = memory('VmRSS');
  await attempts();
  expect(memory('VmHWM') - before).toBeLessThan(MOST_MEMORY);
}
