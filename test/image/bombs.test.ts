import zlib from 'node:zlib';
import sharp from 'sharp';
import { closeDecodeThreads, decodeImage } from '../../lib/image';
import { outcome } from '../fuzz/support/fuzz';
import {
  avifFile,
  avifSize,
  END_OF_IMAGE,
  JFIF,
  JPEG_SCAN,
  jpegFile,
  jpegFrame,
  jpegSegment,
  pngChunk,
  pngFile,
  pngPixels,
  pngSize,
  START_OF_IMAGE,
  type TiffTag,
  tiffFile,
  tiffSize,
  webpCanvas,
  webpFile,
  webpLossless,
} from './assemble';

const LARGE = 16_000;
const SMALL = 20;
let longZeros: Buffer;
let largeJpeg: Buffer;

beforeAll(async () => {
  longZeros = zlib.deflateSync(Buffer.alloc(1 << 28));
  largeJpeg = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer();
});

afterAll(async () => {
  delete process.env.TORCH_INTERROGATOR_DECODER;
  await closeDecodeThreads();
});

/** A TIFF of one strip or tile that holds `part`. */
function tiff(part: Buffer, tags: Record<number, number>, isTiled = false): Buffer {
  const all: Record<number, number> = { 256: SMALL, 257: SMALL, 258: 8, 262: 2, 277: 3, 278: SMALL, ...tags };
  const start = 14 + 12 * (Object.keys(all).length + 2);
  Object.assign(all, isTiled ? { 324: start, 325: part.length } : { 273: start, 279: part.length });
  return tiffFile(Object.entries(all).map(([tag, value]): TiffTag => ({ tag: Number(tag), value })), part); // biome-ignore format: short
}

function files(): Record<string, Buffer> {
  const [small, large] = [jpegFrame(SMALL, SMALL), jpegFrame(LARGE, LARGE)];
  const found: Record<string, Buffer> = {
    'a JPEG whose first frame is small': jpegFile(JFIF, small, large),
    'a JPEG whose first frame is large': jpegFile(JFIF, large, small),
    'a JPEG with a frame after its scan': Buffer.concat([START_OF_IMAGE, JFIF, small, JPEG_SCAN, large, JPEG_SCAN, END_OF_IMAGE]),
    'a JPEG with a small frame within a comment': jpegFile(JFIF, jpegSegment(0xfe, small), Buffer.alloc(99, 0xff), large),
    'a JPEG with a small frame behind an odd marker': jpegFile(JFIF, Buffer.from([0xff, 0xd3]), jpegSegment(0xe5, small), large),
    'a PNG that gets larger': pngFile(pngSize(SMALL, SMALL), pngSize(LARGE, LARGE), pngPixels(SMALL, SMALL)),
    'a PNG that gets larger at its end': pngFile(pngSize(SMALL, SMALL), pngPixels(SMALL, SMALL), pngSize(LARGE, LARGE)),
    'a WebP that gets larger': webpFile(webpCanvas(SMALL, SMALL), webpCanvas(LARGE, LARGE), webpLossless(LARGE, LARGE)),
    'a WebP whose frame is larger': webpFile(webpCanvas(SMALL, SMALL), webpLossless(LARGE, LARGE)),
    'a TIFF that gets larger': tiffFile([...tiffSize(SMALL, SMALL), ...tiffSize(LARGE, LARGE)]),
    'an AVIF that gets larger': avifFile([avifSize(SMALL, SMALL), avifSize(LARGE, LARGE)]),
    'a TIFF with a JPEG that is larger': tiff(largeJpeg, { 259: 7, 262: 6 }),
    'a TIFF with an old JPEG that is larger': tiff(largeJpeg, { 259: 6, 262: 6 }),
    'tiles without a size': tiff(Buffer.alloc(999), { 259: 5, 322: 0, 323: 0 }, true),
  };
  for (const bits of [0, 3, 8, 16, 64, 65_535]) {
    for (const samples of [0, 3, 40, 65_535]) {
      if (samples !== 3 || ![8, 16, 64].includes(bits)) found[`${samples} samples of ${bits} bits`] = tiff(Buffer.alloc(999), { 258: bits, 277: samples, 259: 1 });
    }
  } // biome-ignore format: a loop
  return found;
}

/** Milliseconds of all threads of the process, the least of three. */
async function processorTime(work: () => Promise<unknown> | unknown): Promise<number> {
  const spent: number[] = [];
  for (let sample = 0; sample < 3; sample++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    spent.push((user + system) / 1000);
  }
  return Math.min(...spent);
}

const decoded = (bytes: Buffer) => decodeImage(bytes, { maxPixels: 10_000 }).then((image) => image.release());

test.each(['tEXt', 'zTXt', 'iTXt', 'iCCP'])('the %s chunks of a PNG are not inflated, whatever their checksum', async (type) => {
  const head = Buffer.from(type === 'iTXt' ? 'key\0\x01\0\0\0' : 'key\0\0', 'latin1');
  const bomb = pngChunk(type, Buffer.concat([head, longZeros]));
  const size = pngSize(SMALL, SMALL);
  const wrong = Buffer.from(bomb);
  wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1;
  const one = await processorTime(() => zlib.inflateSync(longZeros));
  for (const each of [bomb, wrong]) {
    const bombs = pngFile(size, ...new Array(12).fill(each), pngPixels(SMALL, SMALL));
    expect(await processorTime(() => decoded(bombs))).toBeLessThan(3 * one);
  }
});

test('a JPEG that goes on with stuffed zeros for ever takes a walk over its bytes', async () => {
  const small = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#888' } })
    .jpeg({ progressive: true })
    .toBuffer();
  const long = Buffer.concat([small.subarray(0, -2), Buffer.alloc(60 << 20, Buffer.from([0xff, 0]))]);
  const pass = await processorTime(() => {
    let found = 0;
    for (let at = 0; at + 1 < long.length; at++) if (long[at] === 0xff && long[at + 1] !== 0) found++;
    return found;
  });
  expect(await processorTime(() => outcome(() => decoded(long)))).toBeLessThan(6 * pass);
});

test('without sharp a JPEG of a few bytes takes no memory for its pixels', async () => {
  process.env.TORCH_INTERROGATOR_DECODER = 'jimp';
  // The first one loads the decoder.
  await decoded(await sharp({ create: { width: 9, height: 9, channels: 3, background: '#888' } }).jpeg().toBuffer()); // biome-ignore format: short
  const before = process.memoryUsage().rss;
  for (const [width, height] of [[65_500, 2700], [9000, 9000], [1, 60_000], [3000, 3000]] as const) {
    const small = jpegFile(JFIF, jpegFrame(width, height));
    expect(await outcome(() => decodeImage(small))).toMatchObject({ code: expect.stringMatching(/ERR_IMAGE_(?:TRUNCATED|CORRUPT)/) });
  } // biome-ignore format: a table
  expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
});

describe.each(['sharp', 'jimp'])('with %s a file that contradicts itself takes neither memory nor time', (decoder) => {
  test('headers and parts that are larger than was said', async () => {
    process.env.TORCH_INTERROGATOR_DECODER = decoder;
    for (const [name, bytes] of Object.entries(files())) {
      const before = process.memoryUsage().rss;
      const { code } = await outcome(() => decodeImage(bytes, { maxPixels: 10_000 }));
      expect([name, code]).toEqual([name, expect.stringMatching(/ERR_IMAGE_(?:CORRUPT|SIZE|TRUNCATED)/)]);
      expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
    }
  });

  test('a TIFF whose tags have more values than the file has bytes', async () => {
    const base = {
      256: SMALL,
      257: SMALL,
      258: 8,
      259: 1,
      262: 2,
      273: 8,
      277: 3,
      278: SMALL,
      279: 1200,
      317: 1,
      320: 8,
      324: 8,
      338: 0,
      347: 8,
    };
    for (const tag of Object.keys(base)
      .map(Number)
      .filter((each) => each > 257)) {
      for (const [type, count] of [3, 4, 5, 9, 11, 12].map((each, i) => [each, 2 ** (26 + (i % 5))] as const)) {
        const tags = Object.entries(base).map(
          ([name, value]): TiffTag => ({ tag: Number(name), value, ...(Number(name) === tag && { type, count }) }),
        );
        for (const truncated of ['error', 'best-effort'] as const) {
          const { value, code } = await outcome(() => decodeImage(tiffFile(tags, Buffer.alloc(1200)), { truncated }));
          value?.release();
          expect(code ?? 'decoded').toMatch(/^(decoded|ERR_IMAGE_(CORRUPT|TRUNCATED))$/);
        }
      }
    }
  });

  test('a TIFF whose 64-bit size lies beyond the end of the file is truncated', async () => {
    const LONG8 = 16;
    for (const tag of [256, 257]) {
      for (const value of [1200, 1 << 20, 2 ** 31, 2 ** 32 - 1]) {
        const tags = tiffSize(9, 9).map((size) => (size.tag === tag ? { ...size, type: LONG8, value } : size));
        for (const truncated of ['error', 'best-effort'] as const) {
          const { code } = await outcome(() => decodeImage(tiffFile(tags, Buffer.alloc(1000)), { truncated }));
          expect(code).toBe('ERR_IMAGE_TRUNCATED');
        }
      }
    }
  });

  test('a JPEG of hundreds of scans is refused, one of ten is not', async () => {
    process.env.TORCH_INTERROGATOR_DECODER = decoder;
    const whole = await sharp({ create: { width: 900, height: 700, channels: 3, background: '#888' } })
      .jpeg({ progressive: true })
      .toBuffer();
    const at = whole.indexOf(Buffer.from([0xff, 0xda]));
    const scans = whole.subarray(at, -2);
    const repeated = (count: number) => Buffer.concat([whole.subarray(0, at), ...Array.from({ length: count }, () => scans), END_OF_IMAGE]);
    const { value: image } = await outcome(() => decodeImage(repeated(1)));
    expect(image).toMatchObject({ width: 900, height: 700 });
    image?.release();
    // What lies behind the end is not counted.
    const { value: other } = await outcome(() => decodeImage(Buffer.concat([repeated(1), repeated(300)])));
    expect(other).toMatchObject({ width: 900 });
    other?.release();
    expect(await outcome(() => decodeImage(repeated(300)))).toMatchObject({
      code: 'ERR_IMAGE_CORRUPT',
      message: expect.stringMatching(/100 scans/),
    });
  });

  test('pixels that inflate to 256 MiB are left where they are', async () => {
    process.env.TORCH_INTERROGATOR_DECODER = decoder;
    const profile = Buffer.concat([Buffer.from('icc\0\0', 'latin1'), longZeros]);
    const inflating = [
      tiff(longZeros, { 259: 8 }),
      tiff(longZeros, { 259: 8, 322: 16_384, 323: 16_384 }, true),
      pngFile(pngSize(SMALL, SMALL), pngChunk('IDAT', longZeros)),
      pngFile(pngSize(SMALL, SMALL), pngChunk('iCCP', profile), pngChunk('zTXt', profile), pngPixels(SMALL, SMALL)),
    ];
    for (const bytes of inflating) {
      const before = process.memoryUsage().rss;
      const { value: image } = await outcome(() => decodeImage(bytes, { maxPixels: 10_000 }));
      image?.release();
      expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20);
    }
  });
});
