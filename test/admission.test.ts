import { Admission } from '../lib/admission';
import { Random } from './fuzz/support/random';

const settled = () => new Promise(setImmediate);

test.each([1, 2, 3, 4, 5])('never more inside than the bound, first come, first served: %i', async (seed) => {
  const random = new Random(seed);
  const admission = new Admission(100);
  const entered: number[] = [];
  const inside = new Map<number, { size: number; leave: () => void }>();
  const sizes = Array.from({ length: 200 }, () => Math.floor(random.next() * 60) + (random.next() < 0.05 ? 100 : 1));
  for (const [number, size] of sizes.entries()) {
    const controller = new AbortController();
    admission.enter(size, controller.signal).then(
      (leave) => {
        entered.push(number);
        inside.set(number, { size, leave });
      },
      (error) => expect(error).toMatchObject({ code: 'ERR_ABORTED' }),
    );
    if (random.next() < 0.2) setImmediate(() => controller.abort());
    if (random.next() < 0.2) controller.abort();
  }
  while (inside.size > 0 || admission.waiting > 0) {
    await settled();
    const taken = [...inside.values()].reduce((sum, { size }) => sum + size, 0);
    expect(taken).toBe(admission.taken);
    expect(taken <= 100 || inside.size === 1).toBe(true);
    const some = [...inside.keys()].filter(() => random.next() < 0.5);
    for (const number of some) {
      inside.get(number)?.leave();
      inside.get(number)?.leave();
      inside.delete(number);
    }
  }
  expect(admission.taken).toBe(0);
  expect(entered).toEqual([...entered].sort((a, b) => a - b));
});

test('what is larger than the bound goes in alone, and nobody overtakes it', async () => {
  const admission = new Admission(10);
  const order: string[] = [];
  const enter = (name: string, size: number) =>
    admission.enter(size).then((leave) => {
      order.push(name);
      return leave;
    });
  const first = await enter('first', 4);
  const large = enter('large', 50);
  const small = enter('small', 1);
  await settled();
  expect(order).toEqual(['first']);
  first();
  await settled();
  expect(order).toEqual(['first', 'large']);
  (await large)();
  await small;
  expect(order).toEqual(['first', 'large', 'small']);
});

test('who gives up leaves the queue, and makes way', async () => {
  const admission = new Admission(10);
  const leave = await admission.enter(5);
  const controller = new AbortController();
  const large = admission.enter(8, controller.signal);
  const small = admission.enter(5);
  controller.abort('enough');
  await expect(large).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  await small;
  expect(admission).toMatchObject({ taken: 10, waiting: 0 });
  leave();
  expect(admission.taken).toBe(5);
});

test('an abort before the start is heard', async () => {
  await expect(new Admission(1).enter(1, AbortSignal.abort())).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
