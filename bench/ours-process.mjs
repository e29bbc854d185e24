/** An interrogator in a process of its own: its calls open it, and do the work of a server for a while. */
import { setTimeout } from 'node:timers/promises';
import { openOurs } from './ours.mjs';
import { residentMemory } from './resident-memory.mjs';
import { secondsOf } from './sampling.mjs';
import { serve } from './serve.mjs';

let interrogator;

await serve({
  /** The memory when ready. */
  async open(config) {
    interrogator = await openOurs(config);
    return residentMemory();
  },

  /** `callers` images at a time; with a `chain`, best mode for the first one more. The memory after a second of rest. */
  async work({ images, callers, caption, chain }) {
    const waiting = images.values();
    const caller = async () => {
      for (const image of waiting) await interrogator.interrogateFast(image, { caption });
    };
    const seconds = await secondsOf(() => Promise.all(Array.from({ length: callers }, caller)));
    if (chain) await interrogator.interrogate(images[0], chain);
    await setTimeout(1000); // a device at rest gives memory back
    return { seconds, memory: residentMemory() };
  },
});
