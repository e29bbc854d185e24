/** Pixels on their way down: what is copied, what comes from another thread, what is refused, and when it is freed. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { NativeBinding, NativeCaptionModel, NativeClipModel, NativeDevice, NativePixels } from '../../lib/native/types';
import { tinyBlip, tinyClip } from '../support/bundles';
import { nativeFiles, openBinding, pixels } from '../support/native';

type NativeColor = NonNullable<Parameters<NativeBinding['copyImage']>[1]>;

// biome-ignore lint/suspicious/noExplicitAny: wrong arguments are the point
type Anything = any;

let binding: NativeBinding;
let device: NativeDevice;
let clip: NativeClipModel;
let caption: NativeCaptionModel;

beforeAll(async () => {
  binding = await openBinding();
  device = await binding.openDevice('cpu', { threads: 1 });
  clip = await binding.openClipModel(device, await tinyClip());
  caption = await binding.openCaptionModel(device, await tinyBlip());
}, 600_000);

afterAll(() => device?.close());

async function features(image: NativePixels, background?: NativeColor): Promise<Float32Array> {
  using copy = binding.copyImage(image, background);
  using result = await clip.imageFeatures(copy);
  return await result.toArray();
}

/** As Pillow's convert('RGB') does it, or its paste() where there is a background: the plain version of what C++ does. */
function toRgb({ data, width, height, channels }: NativePixels, background?: NativeColor): NativePixels {
  const rgb = new Uint8Array(width * height * 3);
  const step = channels < 3 ? 0 : 1;
  const under = background ? [background.r, background.g, background.b] : [0, 0, 0];
  for (let i = 0; i < width * height; i += 1) {
    const alpha = channels % 2 === 0 && background ? (data[(i + 1) * channels - 1] as number) : 255;
    for (let channel = 0; channel < 3; channel += 1) {
      const sum = (data[i * channels + channel * step] as number) * alpha + (under[channel] as number) * (255 - alpha) + 128;
      rgb[i * 3 + channel] = (sum + (sum >> 8)) >> 8;
    }
  }
  return { data: rgb, width, height, channels: 3 };
}

function random(width: number, height: number, channels: NativePixels['channels']): NativePixels {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => Math.imul(i + width, 2_654_435_761) >>> 24);
  // Alpha is often none or all.
  for (let i = channels - 1; channels % 2 === 0 && i < data.length; i += 3 * channels) data[i] = i % 2 === 0 ? 255 : 0;
  return { data, width, height, channels };
}

const BACKGROUNDS: NativeColor[] = [
  { r: 255, g: 255, b: 255 },
  { r: 3, g: 200, b: 77 },
];

describe('copyImage', () => {
  // The last takes two threads.
  const sizes = [
    [1, 1],
    [1, 9],
    [3, 5],
    [7, 2],
    [64, 33],
    [1100, 2001],
  ] as const;
  const channels = [1, 2, 3, 4] as const;
  test.each(sizes.flatMap((size) => channels.map((count) => [...size, count] as const)))(
    '%i × %i pixels of %i channels become the RGB of the plain version',
    async (width, height, count) => {
      const image = random(width, height, count);
      expect(await features(image)).toEqual(await features(toRgb(image)));
      for (const background of width > 1000 ? BACKGROUNDS.slice(1) : BACKGROUNDS) {
        expect(await features(image, background)).toEqual(await features(toRgb(image, background)));
      }
    },
  );

  test.each([
    ['Uint8Array', (data: Uint8Array) => data],
    ['Uint8ClampedArray', (data: Uint8Array) => new Uint8ClampedArray(data)],
    ['Buffer', (data: Uint8Array) => Buffer.from(data)],
    ['view that begins at an odd place', (data: Uint8Array) => Uint8Array.of(9, 9, 9, ...data, 9).subarray(3, 3 + data.length)],
    ['array over shared memory', (data: Uint8Array) => over(new SharedArrayBuffer(data.length), data)],
    ['array over growable shared memory', (data: Uint8Array) => over(growable(data.length), data)],
    ['array over a resizable buffer', (data: Uint8Array) => over(resizable(data.length), data)],
  ])('reads a %s', async (_, make) => {
    const image = pixels(1);
    expect(await features({ ...image, data: make(image.data as Uint8Array) })).toEqual(await features(image));
  });
});

// Node 20 has them; ES2023's types don't.
type Resizable = new (length: number, options: { maxByteLength: number }) => ArrayBuffer & { resize(length: number): void };

function resizable(length: number): InstanceType<Resizable> {
  return new (ArrayBuffer as unknown as Resizable)(length, { maxByteLength: length + 9 });
}

function growable(length: number): ArrayBuffer {
  return new (SharedArrayBuffer as unknown as Resizable)(length, { maxByteLength: length + 9 });
}

function over(buffer: ArrayBuffer | SharedArrayBuffer, data: Uint8Array): Uint8Array {
  const array = new Uint8Array(buffer as ArrayBuffer, 0, data.length);
  array.set(data);
  return array;
}

describe('what is no image', () => {
  const detached = (): Uint8Array => {
    const { data } = pixels(1);
    structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
    return data as Uint8Array;
  };
  const shrunk = (): Uint8Array => {
    const buffer = resizable(12);
    const array = new Uint8Array(buffer);
    buffer.resize(11);
    return array;
  };
  const good = (): Anything => ({ data: new Uint8Array(12), width: 2, height: 2, channels: 3 });
  const kinds = [Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array];

  test.each<[string, Anything, RegExp]>([
    ...[undefined, null, 5, 'image', Symbol('x'), 7n].map((it) => ['value', it, /^image: expected \{data/] as [string, Anything, RegExp]),
    ...[Number.NaN, 2.5, -1, 2 ** 31, '2', undefined, null, {}].flatMap((it) =>
      ['width', 'height'].map((side) => [side, { ...good(), [side]: it }, RegExp(`^image\\.${side}: `)] as [string, Anything, RegExp]),
    ),
    ...kinds.map(
      (Kind) => [Kind.name, { ...good(), data: new Kind(12) }, /^image\.data: expected a Uint8Array/] as [string, Anything, RegExp],
    ),
    ...[
      Array(12).fill(0),
      new ArrayBuffer(12),
      new DataView(new ArrayBuffer(12)),
      undefined,
      null,
      'data',
      {},
      new Proxy(new Uint8Array(12), {}),
    ].map((data) => ['data', { ...good(), data }, /^image\.data: expected a Uint8Array/] as [string, Anything, RegExp]),
    ...[0, 11, 13, 36].map(
      (length) => ['length', { ...good(), data: new Uint8Array(length) }, /= 12 bytes, got/] as [string, Anything, RegExp],
    ),
    ['transferred', { ...good(), data: detached() }, /got 0$/],
    ['shrunk', { ...good(), data: shrunk() }, /got 11$|fixed length/],
    ['too large', { ...good(), width: 2 ** 31 - 1, height: 2 ** 31 - 1 }, /^image\.data: expected width/],
  ])('%s %p is refused', (_, wrong, message) => {
    const refusal = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) });
    expect(() => binding.copyImage(wrong)).toThrow(refusal);
    expect(() => binding.fillImage(1, wrong)).toThrow(refusal);
  });

  test.each([0, 5, 1.5, Number.NaN, '3', undefined])('%p channels are refused', (channels) => {
    expect(() => binding.copyImage({ ...good(), channels })).toThrow(/image\.channels: expected a whole number from 1 to 4/);
  });

  test.each([[{ r: 1, g: 2 }], ['#fff'], [{ r: 1, g: 2, b: 256 }], [{ r: 1, g: Number.NaN, b: 3 }], [5], [[1, 2, 3]]])(
    '%p is no background',
    (background) => {
      expect(() => binding.copyImage(good(), background as Anything)).toThrow(/^background/);
    },
  );

  test('an image with a side that cannot be resized is ERR_IMAGE_SIZE, for itself alone', () => {
    for (const [width, height] of [
      [2 ** 28 + 1, 1],
      [1, 2 ** 28 + 1],
    ] as const) {
      // Its zeros are never touched, and so not in memory.
      const long = { data: new Uint8Array(3 * (2 ** 28 + 1)), width, height, channels: 3 as const };
      expect(() => binding.copyImage(long)).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_SIZE' }));
      expect(() => binding.fillImage(1, long)).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_SIZE' }));
    }
  });

  test('an image without pixels is ERR_IMAGE_SIZE', () => {
    for (const side of ['width', 'height']) {
      const empty = { ...good(), data: new Uint8Array(0), [side]: 0 };
      expect(() => binding.copyImage(empty)).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_SIZE' }));
      expect(() => binding.fillImage(1, empty)).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_SIZE' }));
    }
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53 + 2, '1', undefined])('%p is no number of an image', (number) => {
    expect(() => binding.fillImage(number as Anything, good())).toThrow(/^number: expected a whole number/);
  });

  test.each(['width', 'height', 'channels', 'data'])('a getter of %s that takes the memory away is seen', (field) => {
    const image = good();
    const { data } = image;
    const value = image[field];
    Object.defineProperty(image, field, {
      get: () => {
        structuredClone(data.buffer, { transfer: [data.buffer] });
        return value;
      },
    });
    expect(() => binding.copyImage(image)).toThrow(/got 0$/);
  });
});

/** Runs the body in a thread that has the addon as `binding`, and what it is given as `given`. */
async function inThread(body: string, given: unknown): Promise<void> {
  const script = `const { workerData } = require('node:worker_threads'); const binding = require(workerData.file); const { given } = workerData; ${body}`;
  const thread = new Worker(script, { eval: true, workerData: { file: nativeFiles().addon, given } });
  await once(thread, 'exit');
}

describe('an image from another thread', () => {
  test('gives the features and the caption of a copy', async () => {
    using copy = binding.copyImage(pixels(2));
    using image = binding.expectImage();
    const { number } = image;
    expect([image.width, image.height]).toEqual([0, 0]);
    await inThread('binding.fillImage(given.number, given.pixels);', { number, pixels: pixels(2) });
    expect([image.width, image.height]).toEqual([copy.width, copy.height]);
    expect(await (await clip.imageFeatures(image)).toArray()).toEqual(await (await clip.imageFeatures(copy)).toArray());
    expect(await caption.generate(image, { maxTokens: 6 })).toEqual(await caption.generate(copy, { maxTokens: 6 }));
  });

  test('is refused until its pixels have come', async () => {
    using image = binding.expectImage();
    const early = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(/have not come/) };
    await expect(clip.imageFeatures(image)).rejects.toMatchObject(early);
    await expect(caption.generate(image, { maxTokens: 2 })).rejects.toMatchObject(early);
    binding.fillImage(image.number, pixels(3) as Anything);
    expect((await clip.imageFeatures(image)).rows).toBe(1);
  });

  test('is filled once; nothing happens where it was closed, or never was', async () => {
    using image = binding.expectImage();
    binding.fillImage(image.number, pixels(5) as Anything);
    const first = await (await clip.imageFeatures(image)).toArray();
    binding.fillImage(image.number, pixels(6) as Anything);
    expect(await (await clip.imageFeatures(image)).toArray()).toEqual(first);
    const closed = binding.expectImage();
    closed.close();
    for (const number of [closed.number, 0, 2 ** 53]) binding.fillImage(number, pixels(7) as Anything);
    await expect(clip.imageFeatures(closed)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('each one has its own number, and its own pixels', async () => {
    const images = Array.from({ length: 20 }, () => binding.expectImage());
    expect(new Set(images.map(({ number }) => number)).size).toBe(20);
    const given = images.map(({ number }, i) => ({ number, data: new Uint8Array(3 * (i + 1)), width: i + 1, height: 1 }));
    await inThread('for (const image of given.reverse()) binding.fillImage(image.number, image);', given);
    expect(images.map(({ width }) => width)).toEqual(given.map(({ width }) => width));
  });

  test('large memory of its array is free at once; a buffer that small arrays share stays', () => {
    const large = new Uint8Array(3 * 700 * 600);
    binding.fillImage(1, { data: large, width: 700, height: 600 });
    expect(large).toHaveLength(0);
    const shared = new Uint8Array(21);
    binding.fillImage(1, { data: shared.subarray(9), width: 4, height: 1 });
    expect(shared).toHaveLength(21);
  });

  test('shared memory is copied', () => {
    using image = binding.expectImage();
    const data = new Uint8Array(new SharedArrayBuffer(3 * 700 * 600));
    binding.fillImage(image.number, { data, width: 700, height: 600 });
    expect([data.length, image.width]).toEqual([3 * 700 * 600, 700]);
  });

  const onLinux = existsSync('/proc/self/status') ? test : test.skip;

  onLinux.each(['closed', 'left to the garbage collection'])('its pixels are freed where it is %s', async (how) => {
    const anonymous = () => 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
    const size = { width: 2000, height: 2000 };
    const before = anonymous();
    for (let i = 0; i < 100; i += 1) {
      const image = binding.expectImage();
      binding.fillImage(image.number, { data: new Uint8Array(3 * 2000 * 2000).fill(i), ...size });
      if (how === 'closed') image.close();
      else if (i % 10 === 9) {
        await new Promise(setImmediate);
        global.gc?.();
        await new Promise(setImmediate);
      }
    }
    // All of them would be 1.2 GB.
    for (let i = 0; i < 100 && anonymous() - before > 200e6; i += 1) await sleep(20);
    expect(anonymous() - before).toBeLessThan(200e6);
  });

  test('its sizes stay where it is closed before anybody looked', () => {
    const image = binding.expectImage();
    binding.fillImage(image.number, pixels(4) as Anything);
    image.close();
    expect([image.width, image.height]).toEqual([48, 40]);
  });
});

describe('a closed image', () => {
  test.each(['copied', 'filled'])('that was %s is refused with ERR_DISPOSED, and closing again is no error', async (how) => {
    const expected = binding.expectImage();
    const image = how === 'copied' ? binding.copyImage(pixels(4)) : expected;
    if (image === expected) binding.fillImage(expected.number, pixels(4) as Anything);
    expect([image.width, image.height]).toEqual([48, 40]);
    image.close();
    image.close();
    image[Symbol.dispose]();
    await expect(clip.imageFeatures(image)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(caption.generate(image, { maxTokens: 2 })).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect([image.width, image.height]).toEqual([48, 40]);
  });
});
