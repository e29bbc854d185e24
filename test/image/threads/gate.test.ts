/** What a decode thread must not be ended in the middle of. */
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Gate } from '../../../lib/image/threads/gate';

const UNCOMPILED = path.join(__dirname, '..', '..', 'support', 'uncompiled.cjs');
const GATE = path.join(__dirname, '..', '..', '..', 'lib', 'image', 'threads', 'gate.ts');

/** Goes through the gate again and again; `seen`: whether it is inside, and how often it was. */
const SCRIPT = `
  require(${JSON.stringify(UNCOMPILED)});
  const { Gate } = require(${JSON.stringify(GATE)});
  const { workerData: { state, seen } } = require('node:worker_threads');
  const gate = new Gate(state);
  for (;;) {
    gate.pass(() => {
      Atomics.store(seen, 0, 1);
      for (let i = 0; i < 1000; i += 1) Math.sqrt(i);
      Atomics.add(seen, 1, 1);
      Atomics.store(seen, 0, 0);
    });
  }`;

test.each([1, 2, 3, 4, 5])('once a gate is closed nobody is inside, and nobody comes in (%i)', async () => {
  const gate = new Gate();
  const seen = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(SCRIPT, { eval: true, workerData: { state: gate.state, seen } });
  try {
    while (Atomics.load(seen, 1) < 100) await setTimeout(1);
    await gate.close();
    const count = Atomics.load(seen, 1);
    expect(Atomics.load(seen, 0)).toBe(0);
    await setTimeout(20);
    expect(Atomics.load(seen, 1)).toBe(count);
  } finally {
    await worker.terminate();
  }
});

test('what is done inside is given back, and a failure opens the gate again', async () => {
  const gate = new Gate();
  expect(gate.pass(() => 7)).toBe(7);
  expect(() =>
    gate.pass(() => {
      throw new Error('inside');
    }),
  ).toThrow('inside');
  await gate.close();
});
