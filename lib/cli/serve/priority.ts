/**
 * The event loop before all else. Where decoding and the device keep every processor busy, it would wait for their time slices each time
 * that it has something to do. `npm run bench:serve` measures its delay.
 */
import { readdirSync } from 'node:fs';
import os from 'node:os';

/** Of the 19 steps below the usual. */
const STEPS = 5;
const LOWEST = 19;
/** Threads come and go. */
const INTERVAL_MS = 10_000;

/** From now on, on Linux: elsewhere threads have no priorities of their own. */
export function preferEventLoop(): void {
  if (process.platform !== 'linux') return;
  lowerOthers();
  setInterval(lowerOthers, INTERVAL_MS).unref();
}

/** To be called by the main thread. Those that they start later have their priority. */
function lowerOthers(): void {
  const priority = Math.min(os.getPriority() + STEPS, LOWEST);
  for (const thread of threads()) {
    if (thread === process.pid) continue;
    try {
      os.setPriority(thread, priority);
    } catch {
      // It has ended meanwhile, or a sandbox forbids it: everything works without.
    }
  }
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [];
  }
}
