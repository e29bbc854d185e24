/**
 * An interrogator in a process of its own: opens it, says so, does the work of a server for a while, and says so again
 * after a second of rest. Each line on stdout is JSON: {stage: 'ready' | 'worked', memory}. Its argument is JSON:
 * {config, images, caption}; without images it ends when it is ready.
 */
import { setTimeout } from 'node:timers/promises';
import { openOurs } from './ours.mjs';
import { residentMemory } from './resident-memory.mjs';

const { config, images, caption } = JSON.parse(process.argv[2]);

const interrogator = await openOurs(config);
tell('ready');
if (images) {
  await Promise.all(images.map((image) => interrogator.interrogateFast(image, { caption })));
  await interrogator.interrogate(images[0], { caption: config.captionModelName ? undefined : caption, minFlavors: 2, maxFlavors: 2 });
  await setTimeout(1000); // a device at rest gives memory back
  tell('worked');
}
await interrogator.dispose();

function tell(stage) {
  process.stdout.write(`${JSON.stringify({ stage, memory: residentMemory() })}\n`);
}
