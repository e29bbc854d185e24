/** The bound of bytes that are read ahead of the decoders. */
import { setTimeout } from 'node:timers/promises';
import { Reading } from '../../lib/image/inputs/read-ahead';
import { readImage } from '../../lib/image/public';

const MEBIBYTE = 1 << 20;

/** Reads until something has to wait; the promise of what waits. */
async function fill(reading: Reading, mebibytes: number): Promise<void> {
  for (let i = 0; i < mebibytes; i++) await reading.take(MEBIBYTE);
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => false), setTimeout(50, true)]);
}

test.each([2, 3, 7, 20])('of %i that do not fit together one is read on, the next when that one is gone', async (count) => {
  const readings = Array.from({ length: count }, () => new Reading(undefined));
  const done: Reading[] = [];
  const waiting = new Set(readings);
  for (const reading of readings) {
    void fill(reading, 200).then(() => {
      reading.end();
      done.push(reading);
    });
  }
  while (waiting.size > 0) {
    await setTimeout(20);
    expect(done.length).toBe(1);
    const reading = done.pop() as Reading;
    waiting.delete(reading);
    reading[Symbol.dispose]();
  }
});

test('one that is silent does not keep others out, and gives back what it held', async () => {
  const [stuck, silent, other] = [new Reading(undefined), new Reading(undefined), new Reading(undefined)];
  await fill(stuck, 256);
  // The first beyond the bound is let through, and is silent from then on.
  await silent.take(MEBIBYTE);
  const next = other.take(MEBIBYTE);
  expect(await isPending(next)).toBe(true);
  await next;
  for (const each of [stuck, silent, other]) each[Symbol.dispose]();
  const after = new Reading(undefined);
  await fill(after, 256);
  after[Symbol.dispose]();
});

test('an abort ends the wait, also one from before', async () => {
  const [stuck, first] = [new Reading(undefined), new Reading(undefined)];
  await fill(stuck, 256);
  await first.take(MEBIBYTE);
  const controller = new AbortController();
  const aborted = new Reading(controller.signal);
  const next = aborted.take(MEBIBYTE);
  controller.abort();
  await expect(next).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await expect(aborted.take(MEBIBYTE)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  for (const each of [stuck, first, aborted]) each[Symbol.dispose]();
});

test('what was read for longer counts as held until then', async () => {
  const stream = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 100; i++) yield new Uint8Array(MEBIBYTE);
  };
  const ends: (() => void)[] = [];
  const open = () => readImage(stream(), { until: new Promise<void>((resolve) => ends.push(resolve)) });
  await Promise.all([open(), open()]);
  const third = open();
  expect(await isPending(third)).toBe(true);
  ends[0]?.();
  expect((await third).length).toBe(100 * MEBIBYTE);
  for (const end of ends) end();
  // All is given back, also by one that fails and by one that is not held any longer.
  await expect(readImage('https://[', { until: new Promise(() => {}) })).rejects.toThrow();
  await readImage(stream());
  const after = new Reading(undefined);
  await fill(after, 256);
  after[Symbol.dispose]();
});
