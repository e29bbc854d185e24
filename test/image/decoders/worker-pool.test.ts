import { execFile } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { closeDecodeWorkers, decodeImage, decodeStats, useDecodeWorkers } from '../../../lib/image';
import type { DecodeRequest } from '../../../lib/image/decoders/request';
import { decodeInWorker, LIMITS } from '../../../lib/image/decoders/worker-pool';
import { Random } from '../../fuzz/support/random';
import { removeFolder, temporaryFolder } from '../../tokenizer/reference';

const folder = temporaryFolder();
let jpeg: Buffer;
let gif: Buffer;

beforeAll(async () => {
  const image = sharp({ create: { width: 2000, height: 1500, channels: 3, background: '#567' } });
  [jpeg, gif] = await Promise.all([image.jpeg().toBuffer(), image.resize(60, 40).gif().toBuffer()]);
});

afterAll(async () => {
  await closeDecodeWorkers();
  removeFolder(folder);
});

const request = (): DecodeRequest => ({ format: 'jpeg', bytes: new Uint8Array(jpeg), width: 2000, height: 1500, isLenient: false });
const options = { timeLimitMs: 60_000 };

test("a thread's memory is limited; the next image is decoded as ever", async () => {
  await closeDecodeWorkers();
  const usual = { ...LIMITS };
  Object.assign(LIMITS, { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 });
  await expect(decodeInWorker(request(), options)).rejects.toMatchObject({
    code: 'ERR_OUT_OF_MEMORY',
    message: expect.stringMatching(/install sharp/),
  });
  Object.assign(LIMITS, { maxYoungGenerationSizeMb: undefined, ...usual });
  await expect(decodeInWorker(request(), options)).resolves.toMatchObject({ width: 2000, height: 1500 });
});

test('an image of another size than its header says is refused before it is allocated', async () => {
  for (const size of [
    { width: 200, height: 150 },
    { width: 1500, height: 2000 },
    { width: 1, height: 1 },
  ]) {
    await expect(decodeInWorker({ ...request(), ...size }, options)).rejects.toMatchObject({ kind: 'corrupt' });
  }
});

test('a request that cannot be sent leaves neither a busy thread nor a timer', async () => {
  await closeDecodeWorkers();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const unsendable = { ...request(), background: (() => {}) as never };
  await expect(decodeInWorker(unsendable, options)).rejects.toMatchObject({ code: 'ERR_RUNTIME' });
  // Other timers of the process come and go; ours would stay for a minute.
  for (let i = 0; i < 50 && timers() > before; i += 1) await setTimeout(20);
  expect(timers()).toBeLessThanOrEqual(before);
  await expect(decodeInWorker(request(), options)).resolves.toMatchObject({ width: 2000, height: 1500 });
});

test('an abort ends the thread before it is heard, and the place is free by then', async () => {
  const controller = new AbortController();
  const decoding = decodeInWorker(request(), { ...options, signal: controller.signal });
  controller.abort('enough');
  await expect(decoding).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  await expect(decodeInWorker(request(), { ...options, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await expect(decodeImage(gif)).resolves.toMatchObject({ width: 60 });
});

const onLinux = existsSync('/proc/self/task') ? test : test.skip;

onLinux('the threads end with their last user, and what they decode is refused', async () => {
  const threads = () => readdirSync('/proc/self/task').length;
  await closeDecodeWorkers();
  const before = threads();
  const [first, second] = [useDecodeWorkers(), useDecodeWorkers()];
  (await decodeImage(gif)).release();
  expect(threads()).toBeGreaterThan(before);
  await first();
  await first();
  const decoding = decodeInWorker(request(), options);
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
