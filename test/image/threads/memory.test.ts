import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { decodeImage } from '../../../lib/image';
import { removeFolder, temporaryFolder } from '../../tokenizer/reference';

const folder = temporaryFolder();
afterAll(() => removeFolder(folder));

const MOST_DECODED = 3 * 96_000_000;
/** What decoders need beside, and pixels that are released but not collected yet. */
const BESIDE = 300 << 20;

const onLinux = existsSync('/proc/self/status') ? test : test.skip;

onLinux.each<[string, number, number, NodeJS.ProcessEnv]>([
  ['jpg', 30, 6000 * 4000, {}],
  ['png', 8, 9000 * 9000, {}],
  ['gif', 24, 2400 * 1600, {}],
  ['png', 24, 2400 * 1600, { TORCH_INTERROGATOR_DECODER: 'jimp' }],
])(
  'memory does not grow with those who wait: %s, %i callers',
  async (suffix, callers, pixels, env) => {
    const width = Math.round(Math.sqrt(pixels * 1.5));
    const file = path.join(folder, `large-${pixels}.${suffix}`);
    await sharp({ create: { width, height: Math.round(pixels / width), channels: 3, background: '#678' } }).toFile(file);
    const child = await promisify(execFile)(process.execPath, ['--expose-gc', path.join(__dirname, 'crowd.cjs'), String(callers), file], {
      env: { ...process.env, ...env },
    });
    const grown = JSON.parse(child.stdout) as number;
    console.info(`${suffix}: ${callers} callers take ${Math.round(grown / 2 ** 20)} MiB at most`);
    expect(grown).toBeLessThan(MOST_DECODED + BESIDE);
  },
  120_000,
);

const MOST_READ = 256 << 20;

onLinux.each<[string, number, number, number]>([
  ['stream', 16, 64, 0],
  ['response', 10, 90, 0],
  // The stuck ones alone have arrived at the bound.
  ['stream', 4, 64, 8],
])(
  'memory does not grow with what is read ahead: %s, %i callers of %i MiB, %i stuck',
  async (kind, callers, mebibytes, stuck) => {
    const args = ['--expose-gc', path.join(__dirname, 'streams.cjs'), kind, String(callers), String(mebibytes), String(stuck)];
    const grown = JSON.parse((await promisify(execFile)(process.execPath, args, { timeout: 60_000 })).stdout) as number;
    console.info(`${kind}: ${callers} callers of ${mebibytes} MiB and ${stuck} stuck take ${Math.round(grown / 2 ** 20)} MiB at most`);
    // One goes beyond the bound, one is joined, and what was joined waits for a garbage collection.
    expect(grown).toBeLessThan(MOST_READ + 2 * (mebibytes << 20) + 2 * BESIDE);
  },
  90_000,
);

test('calls that wait with the same bytes wait with one copy of them', async () => {
  const bytes = randomBytes(8 << 20);
  const controller = new AbortController();
  const before = process.memoryUsage().arrayBuffers;
  const settled = Promise.allSettled(Array.from({ length: 40 }, () => decodeImage(bytes, { signal: controller.signal })));
  const taken = process.memoryUsage().arrayBuffers - before;
  controller.abort();
  await settled;
  expect(taken).toBeLessThan(3 * bytes.length);
});

test('bytes that change between two calls are two images', async () => {
  const pngOf = (background: string) =>
    sharp({ create: { width: 5, height: 4, channels: 3, background } })
      .png({ compressionLevel: 0 })
      .toBuffer();
  const [red, blue] = await Promise.all(['#f00', '#00f'].map(pngOf));
  const bytes = Buffer.from(red as Buffer);
  expect(bytes.length).toBe(blue?.length);
  const calls = [decodeImage(bytes), decodeImage(bytes)];
  bytes.set(blue as Buffer);
  calls.push(decodeImage(bytes), decodeImage(bytes));
  bytes.fill(0);
  const colors = (await Promise.all(calls)).map(({ data, release }) => {
    release();
    return [...data.subarray(0, 3)];
  });
  expect(colors).toEqual([
    [255, 0, 0],
    [255, 0, 0],
    [0, 0, 255],
    [0, 0, 255],
  ]);
});
