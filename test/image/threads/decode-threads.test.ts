import { execFile } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { InterrogatorError } from '../../../lib/errors';
import { closeDecodeThreads, decodeImage, decodeStats, useDecodeThreads } from '../../../lib/image';
import { LIMITS, openInThread, REST } from '../../../lib/image/threads/decode-threads';
import type { OpenRequest } from '../../../lib/image/threads/messages';
import { Random } from '../../fuzz/support/random';
import { removeFolder, temporaryFolder } from '../../tokenizer/reference';

const folder = temporaryFolder();
let jpeg: Buffer;
let gif: Buffer;

beforeAll(async () => {
  const image = sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#567' } });
  [jpeg, gif] = await Promise.all([image.jpeg().toBuffer(), image.resize(60, 40).gif().toBuffer()]);
});

afterEach(() => jest.restoreAllMocks());

afterAll(async () => {
  await closeDecodeThreads();
  removeFolder(folder);
});

/** A JPEG that our own decoder reads. */
const request = (): OpenRequest => ({
  name: 'the image',
  file: new Uint8Array(jpeg),
  maxPixels: 1e9,
  orientation: 'ignore',
  background: undefined,
  truncated: 'error',
  usesSharp: false,
  target: undefined,
});

async function decode(asked: OpenRequest, { signal, timeLimitMs }: { signal?: AbortSignal; timeLimitMs?: number } = {}) {
  using image = await openInThread(asked, signal);
  return await image.decode(timeLimitMs);
}

test("a thread's memory is limited; the next image is decoded as ever", async () => {
  await closeDecodeThreads();
  const usual = { ...LIMITS };
  Object.assign(LIMITS, { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 });
  await expect(decode(request())).rejects.toMatchObject({
    code: 'ERR_OUT_OF_MEMORY',
    message: expect.stringMatching(/install sharp/),
  });
  Object.assign(LIMITS, { maxYoungGenerationSizeMb: undefined, ...usual });
  await expect(decode(request())).resolves.toMatchObject({ width: 2000, height: 1500 });
});

test('a request that cannot be sent leaves neither a busy thread nor a timer', async () => {
  await closeDecodeThreads();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const unsendable = { ...request(), background: (() => {}) as never };
  await expect(decode(unsendable)).rejects.toMatchObject({ code: 'ERR_RUNTIME' });
  // Other timers of the process come and go; ours would stay for a minute.
  for (let i = 0; i < 50 && timers() > before; i += 1) await setTimeout(20);
  expect(timers()).toBeLessThanOrEqual(before);
  await expect(decode(request())).resolves.toMatchObject({ width: 2000, height: 1500 });
});

test('an abort ends the thread before it is heard, and the place is free by then', async () => {
  const controller = new AbortController();
  using image = await openInThread(request(), controller.signal);
  const decoding = image.decode();
  controller.abort('enough');
  await expect(decoding).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  await expect(decode(request(), { signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await expect(decodeImage(gif)).resolves.toMatchObject({ width: 60 });
});

test('an abort while a file is opened, or waits opened, leaves the thread to the next image', async () => {
  await closeDecodeThreads();
  await decode(request());
  const started = jest.spyOn(Worker.prototype, 'postMessage');
  for (const moment of ['opening', 'waiting']) {
    const controller = new AbortController();
    const opening = openInThread(request(), controller.signal);
    if (moment === 'opening') controller.abort();
    const image = await opening.catch(() => undefined);
    controller.abort();
    await expect(image?.decode() ?? opening).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    image?.[Symbol.dispose]();
    await expect(decode(request())).resolves.toMatchObject({ width: 2000 });
  }
  expect(new Set(started.mock.contexts).size).toBe(1);
  jest.restoreAllMocks();
});

test('what fails in a thread is an error of the package here, with its cause', async () => {
  const missing = path.join(folder, 'missing.png');
  for (const file of [missing, folder]) {
    const error = await openInThread({ ...request(), file }).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(InterrogatorError);
    expect(error).toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND', cause: { code: file === missing ? 'ENOENT' : 'EISDIR' } });
    // The hint stands once.
    expect((error as InterrogatorError).message.split((error as InterrogatorError).hint as string)).toHaveLength(2);
  }
  const cut = decode({ ...request(), file: new Uint8Array(jpeg.subarray(0, jpeg.length / 2)) });
  await expect(cut).rejects.toMatchObject({ code: 'ERR_IMAGE_TRUNCATED', cause: { name: 'DecodeFailure', kind: 'truncated' } });
});

const onLinux = existsSync('/proc/self/task') ? test : test.skip;

/** Bytes that this process has for itself. */
const anonymous = () => 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);

onLinux.each<[string, (bytes: Buffer) => void]>([
  ['has too many pixels', (bytes) => bytes.writeUInt32BE(1 << 30, 16)],
  ['is no image', (bytes) => bytes.fill(7, 0, 64)],
  ['is damaged', (bytes) => bytes.fill(0, 29, 33)],
  ['is truncated', () => {}],
])('nothing of a large file that %s stays in the thread', async (_, change) => {
  const png = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#123' } })
    .png()
    .toBuffer();
  const bytes = Buffer.concat([png.subarray(0, 60), Buffer.alloc(120 << 20, 1)]);
  change(bytes);
  await closeDecodeThreads();
  await expect(decode({ ...request(), file: new Uint8Array(bytes.subarray(0, 60)) })).rejects.toThrow();
  const before = anonymous();
  for (let call = 0; call < 3; call += 1) {
    await expect(decode({ ...request(), usesSharp: true, file: Uint8Array.from(bytes) })).rejects.toThrow();
  }
  for (let i = 0; i < 100 && anonymous() - before > 100e6; i += 1) await setTimeout(20);
  expect(anonymous() - before).toBeLessThan(100e6);
});

onLinux('an abort ends the reading of a file at once', async () => {
  const file = path.join(folder, 'endless.bmp');
  writeFileSync(file, 'BM');
  // Its zeros are read, and take no place on the disk.
  truncateSync(file, 2 ** 31 - 4096);
  const controller = new AbortController();
  const started = performance.now();
  const opening = openInThread({ ...request(), file }, controller.signal);
  await setTimeout(30);
  controller.abort();
  await expect(opening).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  const aborted = performance.now() - started;
  await openInThread({ ...request(), file }).then(
    (image) => image[Symbol.dispose](),
    () => {},
  );
  expect(aborted).toBeLessThan((performance.now() - started) / 2);
});

test("what waits for libuv's threads is not called damaged", async () => {
  await decode({ ...request(), usesSharp: true });
  using image = await openInThread({ ...request(), usesSharp: true });
  const busy = Array.from({ length: 4 }, () => promisify(pbkdf2)('a', 'b', 600_000, 64, 'sha512'));
  await expect(image.decode(1)).resolves.toMatchObject({ width: 2000 });
  await Promise.all(busy);
});

test("an abort leaves sharp's thread to the next image, once sharp is done", async () => {
  await closeDecodeThreads();
  await decode({ ...request(), usesSharp: true });
  const told = jest.spyOn(Worker.prototype, 'postMessage');
  const controller = new AbortController();
  {
    using image = await openInThread({ ...request(), usesSharp: true }, controller.signal);
    const decoding = image.decode();
    controller.abort();
    await expect(decoding).resolves.toMatchObject({ width: 2000 });
  }
  await expect(decode({ ...request(), usesSharp: true })).resolves.toMatchObject({ width: 2000 });
  expect(new Set(told.mock.contexts).size).toBe(1);
});

test('closing waits for threads that end already', async () => {
  const exited = jest.spyOn(Worker.prototype, 'terminate');
  using image = await openInThread({ ...request(), usesSharp: true });
  const decoding = image.decode().catch(() => {});
  const closings = [closeDecodeThreads(), closeDecodeThreads()];
  await Promise.race(closings);
  expect(exited.mock.contexts.length).toBeGreaterThan(0);
  for (const worker of exited.mock.contexts) expect((worker as Worker).threadId).toBe(-1);
  await Promise.all([decoding, ...closings]);
});

test('after a rest one thread stays', async () => {
  await closeDecodeThreads();
  const usual = REST.milliseconds;
  REST.milliseconds = 500;
  await Promise.all(Array.from({ length: 3 }, () => decode({ ...request(), file: new Uint8Array(gif) })));
  REST.milliseconds = usual;
  const ended = jest.spyOn(Worker.prototype, 'terminate');
  const told = jest.spyOn(Worker.prototype, 'postMessage');
  await setTimeout(1500);
  expect(ended.mock.contexts).toHaveLength(2);
  await expect(decode(request())).resolves.toMatchObject({ width: 2000 });
  const [survivor, ...others] = new Set(told.mock.contexts);
  expect(others).toEqual([]);
  expect(ended.mock.contexts).not.toContain(survivor);
});

describe("the settings of the process's sharp", () => {
  const settings = () => [sharp.concurrency(), sharp.cache().memory.max, sharp.cache().items.max];
  const set = ([concurrency, memory, items]: number[]) => {
    sharp.concurrency(concurrency);
    sharp.cache({ memory: memory as number, items: items as number });
  };
  const usual = settings();
  afterEach(() => set(usual));

  test('stay what they were, however many threads start at once', async () => {
    set([3, 7, 11]);
    for (let round = 0; round < 3; round += 1) {
      await closeDecodeThreads();
      await Promise.all(Array.from({ length: 4 }, () => decode({ ...request(), usesSharp: true })));
      expect(settings()).toEqual([3, 7, 11]);
    }
  });

  test.each([0, 5, 10, 20, 40, 80])('stay what they are set to after %i ms of a start', async (wait) => {
    await closeDecodeThreads();
    set([3, 7, 11]);
    const decoding = decode({ ...request(), usesSharp: true });
    await setTimeout(wait);
    set([2, 9, 13]);
    await decoding;
    // In the moment of loading they are sharp's own.
    expect([2, 3, usual[0]]).toContain(sharp.concurrency());
  });
});

onLinux('the threads end with their last user, and what they decode is refused', async () => {
  const threads = () => readdirSync('/proc/self/task').length;
  await closeDecodeThreads();
  const before = threads();
  const [first, second] = [useDecodeThreads(), useDecodeThreads()];
  (await decodeImage(gif)).release();
  expect(threads()).toBeGreaterThan(before);
  await first();
  await first();
  const decoding = decode(request());
  await second();
  await expect(decoding).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  for (let waited = 0; threads() > before && waited < 100; waited++) await setTimeout(20);
  expect(threads()).toBeLessThanOrEqual(before);
  expect(decodeStats().running).toBe(0);
});

/** GIFs whose pixels do not fit their frames, and TIFFs in tiles: decoders have something to say about both. */
async function oddFiles(): Promise<string[]> {
  const random = new Random(3);
  const files: Buffer[] = [];
  for (let number = 0; number < 20; number++) {
    const [width, height] = [1 + Math.floor(random.next() * 70), 1 + Math.floor(random.next() * 70)];
    const image = sharp({ create: { width, height, channels: 3, background: '#246' } });
    const odd = await image.clone().gif().toBuffer();
    odd.writeUInt16LE(1 + Math.floor(random.next() * 80), 6);
    const descriptor = odd.indexOf(Buffer.from([0x2c, 0, 0, 0, 0]));
    odd.writeUInt16LE(1 + Math.floor(random.next() * 80), descriptor + 5 + 2 * (number % 2));
    files.push(odd, await image.tiff({ tile: true, tileWidth: 16, tileHeight: 32, compression: number % 2 ? 'lzw' : 'none' }).toBuffer());
  }
  return files.map((bytes, number) => {
    const file = path.join(folder, `odd-${number}`);
    writeFileSync(file, bytes);
    return file;
  });
}

test.each(['sharp', 'jimp'])('nothing reaches the streams of the process, and the process ends by itself: %s', async (decoder) => {
  const script = `
    const { decodeImage } = require(${JSON.stringify(path.join(__dirname, '..', '..', '..', 'dist', 'image'))});
    (async () => {
      for (const file of process.argv.slice(1)) await decodeImage(file).then((image) => image.release(), () => {});
    })();`;
  const env = { ...process.env, TORCH_INTERROGATOR_DECODER: decoder };
  const child = await promisify(execFile)(process.execPath, ['-e', script, ...(await oddFiles())], { env, timeout: 60_000 });
  expect(child).toEqual({ stdout: '', stderr: '' });
});
