import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { closeDecodeThreads, type DecodedImage, decodeImage, decodeStats } from '../../../lib/image';

afterAll(closeDecodeThreads);
afterEach(() => jest.restoreAllMocks());

/** How many images threads were told to decode, and how many of them run now and ran at most. */
function watchDecoders(): { begun: number; running: number; most: number } {
  const count = { begun: 0, running: 0, most: 0 };
  const original = Worker.prototype.postMessage;
  jest.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args: unknown[]) {
    if (args[0] === 'decode') {
      count.begun += 1;
      count.running += 1;
      count.most = Math.max(count.most, count.running);
      const end = (): void => {
        count.running -= 1;
        this.off('message', end).off('exit', end);
      };
      this.on('message', end).on('exit', end);
    }
    return Reflect.apply(original, this, args);
  });
  return count;
}

async function jpegOf(width: number, height: number): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: '#567' } })
    .jpeg()
    .toBuffer();
}

async function untilIdle(): Promise<void> {
  while (decodeStats().running > 0 || decodeStats().waiting > 0) await setTimeout(5);
}

const MOST_DECODERS = 4;

test('callers who give up leave nothing behind but what has begun already', async () => {
  const jpeg = await jpegOf(3000, 2000);
  const count = watchDecoders();
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 16 }, () => decodeImage(jpeg, { signal: AbortSignal.timeout(15) }));
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'fulfilled') result.value.release();
      else expect(result.reason).toMatchObject({ code: 'ERR_ABORTED' });
    }
    // A place is free when its decoder has ended, not when its caller has gone.
    expect(count.running).toBeLessThanOrEqual(MOST_DECODERS);
  }
  const begun = count.begun;
  (await decodeImage(jpeg)).release();
  // The next caller had to wait for those that had a place, and for no other.
  expect(count.begun - begun).toBeLessThanOrEqual(1 + MOST_DECODERS);
  expect(count.most).toBeLessThanOrEqual(MOST_DECODERS);
  await untilIdle();
  expect(decodeStats()).toEqual({ running: 0, waiting: 0, pixels: 0 });
}, 60_000);

test('no more pixels are decoded than may be in memory, until some are released', async () => {
  const jpeg = await jpegOf(5000, 4000);
  const count = watchDecoders();
  const held: DecodedImage[] = [];
  const calls = Array.from({ length: 12 }, async () => held.push(await decodeImage(jpeg)));
  let most = 0;
  for (let released = 0; released < 12; released++) {
    while (held.length === 0 || decodeStats().running > 0) await setTimeout(5);
    most = Math.max(most, decodeStats().pixels);
    expect(count.begun - released).toBeLessThanOrEqual(96 / 20);
    const image = held.shift();
    image?.release();
    // More calls of it do nothing.
    image?.release();
  }
  await Promise.all(calls);
  expect(count.begun).toBe(12);
  expect(most).toBe(80_000_000);
  expect(decodeStats().pixels).toBe(0);
}, 60_000);

test('images come in the order in which they were asked for', async () => {
  const jpeg = await jpegOf(600, 400);
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 40 }, async (_, number) => {
      (await decodeImage(jpeg)).release();
      order.push(number);
    }),
  );
  // Those that are decoded at the same time may change places.
  for (const [place, number] of order.entries()) expect(Math.abs(place - number)).toBeLessThanOrEqual(2 * MOST_DECODERS);
});

test('what fails is not counted any more', async () => {
  const jpeg = await jpegOf(300, 200);
  const broken = Buffer.concat([jpeg.subarray(0, jpeg.length / 2)]);
  const results = await Promise.allSettled([
    ...Array.from({ length: 8 }, () => decodeImage(broken)),
    ...Array.from({ length: 8 }, () => decodeImage(jpeg, { maxPixels: 100 })),
    ...Array.from({ length: 8 }, () => decodeImage('/nowhere/at/all.png')),
    ...Array.from({ length: 8 }, () => decodeImage(Buffer.from('GIF89a'))),
  ]);
  const codes = results.map((result) => (result.status === 'rejected' ? result.reason.code : 'decoded'));
  expect([...new Set(codes)]).toEqual(['ERR_IMAGE_TRUNCATED', 'ERR_IMAGE_SIZE', 'ERR_IMAGE_NOT_FOUND', 'ERR_IMAGE_TRUNCATED'].slice(0, 3));
  expect(decodeStats()).toEqual({ running: 0, waiting: 0, pixels: 0 });
});
