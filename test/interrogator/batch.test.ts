/** How a batch reads, runs and ends. Batches of real images are in interrogator.test.ts. */
import { getEventListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { InterrogatorError } from '../../lib/errors';
import { describeAll } from '../../lib/interrogator/batch';
import type { Description } from '../../lib/interrogator/options';

const description = (prompt: string): Description => ({ prompt, caption: null, similarity: 0, seconds: 0 });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('results come in the order of the images, whichever is ready first', async () => {
  const results = await collect(
    describeAll(['30', '1', '10'], { concurrency: 3 }, async (image) => {
      await delay(Number(image));
      return description(image as string);
    }),
  );
  expect(results).toEqual(['30', '1', '10'].map((image, index) => ({ image, index, mode: 'best', ...description(image) })));
});

test('one bad image is an error among results', async () => {
  const results = await collect(
    describeAll(['a', 'b', 'c'], {}, async (image) => {
      if (image === 'b') throw new InterrogatorError('ERR_IMAGE_EMPTY', 'empty');
      return description(image as string);
    }),
  );
  expect(results.map(({ error }) => (error as InterrogatorError | undefined)?.code)).toEqual([undefined, 'ERR_IMAGE_EMPTY', undefined]);
  expect(results[1]).toMatchObject({ image: 'b', index: 1 });
});

test('no more images are read than are worked on', async () => {
  let read = 0;
  let running = 0;
  let most = 0;
  async function* source() {
    for (; read < 20; ) {
      read += 1;
      yield String(read);
    }
  }
  let taken = 0;
  for await (const result of describeAll(source(), { concurrency: 3 }, async (image) => {
    running += 1;
    most = Math.max(most, running);
    await delay(1);
    running -= 1;
    return description(image as string);
  })) {
    expect(result.index).toBe(taken);
    taken += 1;
    expect(read).toBeLessThanOrEqual(taken + 3);
  }
  expect(taken).toBe(20);
  expect(most).toBe(3);
});

test('a finished result does not wait for a slow source', async () => {
  async function* source() {
    yield 'first';
    await delay(60_000, undefined, { ref: false });
  }
  const batch = describeAll(source(), {}, async (image) => description(image as string));
  expect((await batch.next()).value).toMatchObject({ prompt: 'first' });
  await batch.return();
});

test('leaving the loop cancels what runs and closes the source', async () => {
  let closed = false;
  const cancelled: unknown[] = [];
  async function* source() {
    try {
      for (let i = 0; ; i += 1) yield String(i);
    } finally {
      closed = true;
    }
  }
  for await (const _ of describeAll(source(), { concurrency: 4 }, async (image, signal) => {
    if (image === '0') {
      await delay(20);
      return description('0');
    }
    await delay(10_000, undefined, { signal }).catch((error) => {
      cancelled.push(image);
      throw error;
    });
    return description('never');
  })) {
    break;
  }
  expect(closed).toBe(true);
  expect(cancelled).toEqual(['1', '2', '3']);
});

test('the signal ends the batch with an AbortError, and no listener stays', async () => {
  const controller = new AbortController();
  const batch = collect(
    describeAll(['a', 'b'], { signal: controller.signal }, async (_, signal) => {
      await delay(10_000, undefined, { signal });
      return description('never');
    }),
  );
  setTimeout(() => controller.abort('enough'), 5);
  await expect(batch).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test("the source's own failure is thrown", async () => {
  async function* source() {
    yield 'a';
    throw new Error('no more disk');
  }
  const seen: number[] = [];
  const batch = async () => {
    for await (const { index } of describeAll(source(), { concurrency: 1 }, async (image) => description(image as string))) {
      seen.push(index);
    }
  };
  await expect(batch()).rejects.toThrow('no more disk');
  expect(seen).toEqual([0]);
});

test.each([
  ['a path', 'image.jpg'],
  ['encoded bytes', Buffer.from('image')],
  ['nothing', null],
  ['an object', {}],
])('%s is no list of images', async (_, images) => {
  const batch = describeAll(images as never, {}, async () => description('never'));
  await expect(batch.next()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('array') });
});
