/** package.cjs SCENARIO: how a process ends that uses the built package. Prints 'ready' when its work is done or running. */
const path = require('node:path');
const { once } = require('node:events');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const { Interrogator } = require('../../dist');

const IMAGE = path.join(__dirname, '..', '..', 'models', 'sample', 'images', 'apple.png');
const SETTINGS = { clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', quiet: true, cachePath: null };

async function prompts(interrogator) {
  return [
    await interrogator.interrogateFast(IMAGE),
    await interrogator.interrogate(IMAGE, { minFlavors: 1, maxFlavors: 2 }),
    await interrogator.generateCaption(IMAGE),
  ].join('\n');
}

const scenarios = {
  async disposed() {
    const interrogator = await Interrogator.create(SETTINGS);
    await prompts(interrogator);
    await interrogator.dispose();
    console.log('ready');
  },
  async undisposed() {
    await prompts(await Interrogator.create(SETTINGS));
    console.log('ready');
  },
  async exit() {
    await prompts(await Interrogator.create(SETTINGS));
    console.log('ready');
    process.exit(7);
  },
  async exitWhileBusy() {
    const interrogator = await Interrogator.create(SETTINGS);
    for (let i = 0; i < 8; i += 1) interrogator.interrogateNegative(IMAGE).catch(() => {});
    setTimeout(() => {
      console.log('ready');
      process.exit(7);
    }, 300);
  },
  async throwing() {
    const interrogator = await Interrogator.create(SETTINGS);
    interrogator.interrogateNegative(IMAGE).catch(() => {});
    setTimeout(() => {
      console.log('ready');
      throw new Error('on purpose');
    }, 300);
  },
  async workers() {
    const workers = [new Worker(__filename), new Worker(__filename)];
    const ends = workers.map((worker) => once(worker, 'exit'));
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    for (const [code] of await Promise.all(ends)) if (code !== 0) throw new Error(`a worker ended with ${code}`);
    const interrogator = await Interrogator.create(SETTINGS);
    const mine = await prompts(interrogator);
    await interrogator.dispose();
    for (const [theirs] of answers) if (theirs !== mine) throw new Error(`${theirs}\nis not\n${mine}`);
    console.log('ready');
  },
};

async function inWorker() {
  parentPort.postMessage(await prompts(await Interrogator.create(SETTINGS)));
}

if (isMainThread) scenarios[process.argv[2]]();
else inWorker();
