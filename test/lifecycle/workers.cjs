/** workers.cjs SCENARIO: what several threads of one process do with the addon. Prints 'done' at the end. */
const path = require('node:path');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { open, startLongWork } = require('./native.cjs');

const start = (workerData) => new Worker(path.join(__dirname, 'worker.cjs'), { workerData });
const answer = async (worker) => {
  const [message] = await once(worker, 'message');
  return message;
};
const same = (a, b) => JSON.stringify([...a.features, ...a.ids]) === JSON.stringify([...b.features, ...b.ids]);

const scenarios = {
  /** Two at once, beside the main thread, all with the same answers. */
  async together() {
    const workers = [start({ close: true }), start({ close: false })];
    const ends = workers.map((worker) => once(worker, 'exit'));
    const answers = workers.map(answer);
    const { clip, caption, device, image } = await open();
    const mine = { features: await (await clip.imageFeatures(image)).toArray(), ids: await caption.generate(image, { maxTokens: 4 }) };
    for (const theirs of await Promise.all(answers)) if (!same(mine, theirs)) throw new Error('answers differ');
    for (const [code] of await Promise.all(ends)) if (code !== 0) throw new Error(`a worker ended with ${code}`);
    // The main thread's share outlives theirs.
    await clip.imageFeatures(image);
    await device.close();
  },
  /** Terminated while a call runs; then another loads the addon again. */
  async terminated() {
    for (let i = 0; i < 3; i += 1) {
      const worker = start({ work: 'endless' });
      await answer(worker);
      await worker.terminate();
    }
    const worker = start({ close: true });
    await Promise.all([answer(worker), once(worker, 'exit')]);
  },
  /** Terminated while models open, devices start and images wait. */
  async terminatedWhileOpening() {
    for (let i = 0; i < 5; i += 1) {
      const worker = start({ work: 'opening' });
      await answer(worker);
      if (i > 0) await new Promise((resolve) => setTimeout(resolve, 10 * i));
      await worker.terminate();
    }
  },
  /** process.exit() in a worker ends the worker alone. */
  async exitInWorker() {
    const worker = start({ exit: true });
    await Promise.all([answer(worker), once(worker, 'exit')]);
    const { clip, device, image } = await open();
    await clip.imageFeatures(image);
    await device.close();
  },
  /** The main thread exits while it and a worker work. */
  async exitWhileWorking() {
    const worker = start({ work: 'endless' });
    await answer(worker);
    const handles = await open();
    startLongWork(handles).catch(() => {});
    while (!handles.device.stats().busy) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log('done');
    process.exit(7);
  },
};

scenarios[process.argv[2]]().then(() => console.log('done'));
