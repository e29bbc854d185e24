import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { SharedTask } from '../../lib/engine/shared-task';

test('callers at the same time share one run, and a success is kept', async () => {
  let runs = 0;
  const task = new SharedTask(async () => {
    runs += 1;
    await delay(5);
    return runs;
  });
  expect(await Promise.all([task.get(), task.get()])).toEqual([1, 1]);
  expect(await task.get()).toBe(1);
});

test('a failure reaches all who wait, and the next caller tries again', async () => {
  let runs = 0;
  const task = new SharedTask(async () => {
    runs += 1;
    if (runs === 1) throw new Error('first');
    return runs;
  });
  const results = await Promise.allSettled([task.get(), task.get()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await task.get()).toBe(2);
});

test("one caller's abort ends its own wait alone", async () => {
  const controller = new AbortController();
  const task = new SharedTask(async ({ signal }) => {
    await delay(10);
    return signal.aborted;
  });
  const patient = task.get();
  const hasty = task.get({ signal: controller.signal });
  controller.abort('hurry');
  await expect(hasty).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: 'hurry' });
  expect(await patient).toBe(false);
});

test('the run is aborted once nobody waits for it, and the next caller gets a new one', async () => {
  const seen: AbortSignal[] = [];
  const task = new SharedTask(async ({ signal }) => {
    seen.push(signal);
    await delay(10, undefined, { signal });
    return seen.length;
  });
  const controller = new AbortController();
  const waits = [task.get({ signal: controller.signal }), task.get({ signal: controller.signal })];
  controller.abort();
  await Promise.allSettled(waits);
  await delay(0);
  expect(seen[0]?.aborted).toBe(true);
  expect(await task.get()).toBe(2);
});

test('progress reaches those who wait, while they wait', async () => {
  const task = new SharedTask(async ({ report }) => {
    await delay(1);
    report({ stage: 'x', done: 1, total: 2 });
  });
  const events: unknown[] = [];
  await Promise.all([task.get({ report: (event) => events.push(event) }), task.get({ report: (event) => events.push(event) })]);
  expect(events).toEqual([
    { stage: 'x', done: 1, total: 2 },
    { stage: 'x', done: 1, total: 2 },
  ]);
});

test('no listener stays on a signal that outlives the wait', async () => {
  const { signal } = new AbortController();
  const task = new SharedTask(async () => 1);
  await task.get({ signal });
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test("one listener's throw ends that caller's wait alone", async () => {
  const task = new SharedTask(async ({ report }) => {
    await delay(5);
    report({ stage: 'labels', done: 1, total: 2 });
    await delay(5);
    return 'done';
  });
  const patient = task.get();
  const mistaken = task.get({
    report: () => {
      throw new Error('mine');
    },
  });
  await expect(mistaken).rejects.toThrow('mine');
  expect(await patient).toBe('done');
});
