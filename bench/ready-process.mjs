/**
 * An interrogator in a process of its own: opens it, says so, does the work of a server for a while, and says so again
 * after a second of rest. Each line on stdout is JSON: {stage: 'ready' | 'worked', memory, seconds}. Its argument is JSON:
 * {config, images, callers, caption}; without images it ends when it is ready. `callers` images are asked for at a time,
 * all of them by default; with that default a chain follows.
 */
import { setTimeout } from 'node:timers/promises';
import { openOurs } from './ours.mjs';
import { residentMemory } from './resident-memory.mjs';
import { secondsOf } from './sampling.mjs';

const { config, images, callers, caption } = JSON.parse(process.argv[2]);

const interrogator = await openOurs(config);
tell('ready');
if (images) {
  const waiting = images.values();
  const caller = async () => {
    for (const image of waiting) await interrogator.interrogateFast(image, { caption });
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: callers ?? images.length }, caller)));
  if (!callers)
    await interrogator.interrogate(images[0], { caption: config.captionModelName ? undefined : caption, minFlavors: 2, maxFlavors: 2 });
  await setTimeout(1000); // a device at rest gives memory back
  tell('worked', seconds);
}
await interrogator.dispose();

function tell(stage, seconds) {
  process.stdout.write(`${JSON.stringify({ stage, memory: residentMemory(), seconds })}\n`);
}
