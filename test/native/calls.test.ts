/** What the calls answer, in which order they settle, and how they are cancelled. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  NativeBinding,
  NativeCaptionModel,
  NativeClipModel,
  NativeDevice,
  NativeImage,
  NativeLabelMatrix,
} from '../../lib/native/types';
import { tinyBlip, tinyClip } from '../support/bundles';
import { imageOf, manyTexts, openBinding, tokenLists } from '../support/native';

let binding: NativeBinding;
let device: NativeDevice;
let clip: NativeClipModel;
let caption: NativeCaptionModel;
let work: string;
const HASH = '0123456789abcdef'.repeat(4);
/** Seconds of work for the device. */
const LONG = manyTexts(20_000);

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'binding-'));
  binding = await openBinding();
  device = await binding.openDevice('cpu', { threads: 1, maxQueue: 8 });
  clip = await binding.openClipModel(device, await tinyClip());
  caption = await binding.openCaptionModel(device, await tinyBlip());
}, 600_000);

afterAll(async () => {
  await device?.close();
  rmSync(work, { recursive: true, force: true });
});

const image = (seed: number): NativeImage => imageOf(binding, seed);
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

describe('answers', () => {
  test('runtimeInfo names the versions and the machine', async () => {
    const info = await binding.runtimeInfo();
    expect(info).toMatchObject({ libtorchVersion: '2.11.0', coreVersion: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(info.physicalCores).toBeGreaterThanOrEqual(1);
    expect(Array.isArray(info.cpuFeatures)).toBe(true);
    expect(info.cudaDevices).toBeGreaterThanOrEqual(0);
  });

  test('stats count what was done', async () => {
    const other = await binding.openDevice('cpu', { threads: 1 });
    await binding.featuresFromArray(other, new Float32Array(3), 1, 3);
    expect(other.stats()).toEqual({
      name: 'cpu',
      threads: 1,
      queued: 0,
      busy: expect.any(Boolean),
      completed: 1,
      failed: 0,
      cancelled: 0,
      refused: 0,
      slices: 1,
      busySeconds: expect.any(Number),
      batches: 0,
      batched: 0,
      largestBatch: 0,
      weightBytes: 0,
      allocatedBytes: 0,
      reservedBytes: 0,
    });
    await other.close();
  });

  test('features come back as they went in, in memory of their own', async () => {
    const data = Float32Array.of(0.6, 0.8, 1, 0, 0, -1);
    const features = await binding.featuresFromArray(device, data, 3, 2);
    data.fill(9);
    const [first, second] = [await features.toArray(), await features.toArray()];
    expect([features.rows, features.dim]).toEqual([3, 2]);
    expect([...first]).toEqual([...Float32Array.of(0.6, 0.8, 1, 0, 0, -1)]);
    first.fill(7);
    expect(second[2]).toBe(1);
    expect(second.buffer.byteLength).toBe(24);
  });

  test('similarity is rows x rows of dot products', async () => {
    const a = await binding.featuresFromArray(device, Float32Array.of(1, 0, 0, 1), 2, 2);
    const b = await binding.featuresFromArray(device, Float32Array.of(0.6, 0.8, 1, 0, 0, -1), 3, 2);
    const products = [...(await a.similarity(b))].map((value) => Math.round(value * 100) / 100);
    expect(products).toEqual([0.6, 1, 0, 0.8, 0, -1]);
    const narrow = await binding.featuresFromArray(device, Float32Array.of(1, 0, 0), 1, 3);
    await expect(a.similarity(narrow)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  test('texts give a unit row each, and a list of none gives no rows', async () => {
    const features = await clip.textFeatures(tokenLists([320, 2368], [], [320, 1929]));
    const rows = await features.toArray();
    expect([features.rows, features.dim, clip.embedDim]).toEqual([3, 32, 32]);
    for (let i = 0; i < 3; i += 1) expect(Math.hypot(...rows.subarray(i * 32, i * 32 + 32))).toBeCloseTo(1, 4);
    const none = await clip.textFeatures(tokenLists());
    expect([none.rows, (await none.toArray()).length]).toEqual([0, 0]);
  });

  test('a chain step finds the candidate that encoding them all finds', async () => {
    const target = await clip.imageFeatures(image(3));
    const candidates = Array.from({ length: 40 }, (_, i) => [267, 500 + i * 31, 900 + i * 7]);
    const prefix = [320, 1125, 539];
    const tree = clip.tree(tokenLists(...candidates));
    const encoded = await clip.textFeatures(tokenLists(...candidates.map((candidate) => [...prefix, ...candidate])));
    const similarities = [...(await encoded.similarity(target))];
    const best = similarities.indexOf(Math.max(...similarities));
    const step = await tree.best(Int32Array.from(prefix), target, {});
    expect(step.index).toBe(best);
    expect(step.similarity).toBeCloseTo(similarities[best] as number, 4);

    const others = similarities.map((value, i) => (i === best ? Number.NEGATIVE_INFINITY : value));
    const second = await tree.best(Int32Array.from(prefix), target, { exclude: Int32Array.of(best) });
    expect(second.index).toBe(others.indexOf(Math.max(...others)));
    const least = await tree.best(Int32Array.from(prefix), target, { reverse: true });
    expect(least.index).toBe(similarities.indexOf(Math.min(...similarities)));
  });

  test('a label matrix is written, opened and ranked; indices count through the stack', async () => {
    const [first, second] = [await clip.textFeatures(manyTexts(30, 3)), await clip.textFeatures(manyTexts(20, 4))];
    const file = path.join(work, 'labels é.safetensors');
    await binding.writeLabelMatrix(file, await binding.labelMatrixFromFeatures(first, HASH));
    expect(statSync(file).size).toBeGreaterThan(30 * 32 * 2);
    const opened = await binding.openLabelMatrix(file, { hash: HASH, dim: 32 });
    const computed = await binding.labelMatrixFromFeatures(second, HASH);
    expect([opened.rows, opened.dim, opened.hash, computed.rows]).toEqual([30, 32, HASH, 20]);

    const features = await clip.imageFeatures(image(5));
    const [target, a, b] = [await features.toArray(), await first.toArray(), await second.toArray()];
    const all = [...a, ...b];
    const similarities = Array.from({ length: 50 }, (_, i) => dot(target, Float32Array.from(all.slice(i * 32, i * 32 + 32))));
    const top = await binding.topK([opened, computed], features, 5, {});
    expect([top.rows, top.k, top.indices.length]).toEqual([1, 5, 5]);
    const sorted = [...similarities].sort((x, y) => y - x);
    for (const [place, index] of top.indices.entries()) {
      expect(top.similarities[place]).toBeCloseTo(sorted[place] as number, 2);
      expect(top.similarities[place]).toBeCloseTo(similarities[index] as number, 2);
    }
    const last = await binding.topK([opened, computed], features, 99, { reverse: true });
    expect(last.k).toBe(50);
    expect(last.similarities[0]).toBeCloseTo(sorted[49] as number, 2);
  });

  test('label matrices are joined in the order that is given', async () => {
    const features = await clip.textFeatures(manyTexts(30, 3));
    const numbers = await features.toArray();
    const order = Int32Array.from({ length: 30 }, (_, i) => (i * 7) % 30);
    const part = async (from: number, to: number): Promise<NativeLabelMatrix> => {
      const rows = [...order.subarray(from, to)].flatMap((place) => [...numbers.subarray(place * 32, place * 32 + 32)]);
      return binding.labelMatrixFromFeatures(await binding.featuresFromArray(device, Float32Array.from(rows), to - from, 32), HASH);
    };
    const joined = await binding.joinLabelMatrices([await part(0, 12), await part(12, 30)], order, HASH);
    const [ours, theirs] = [path.join(work, 'joined'), path.join(work, 'whole')];
    await binding.writeLabelMatrix(ours, joined);
    await binding.writeLabelMatrix(theirs, await binding.labelMatrixFromFeatures(features, HASH));
    expect(readFileSync(ours).equals(readFileSync(theirs))).toBe(true);
  });

  test('a label file for other labels is ERR_LABELS_MISMATCH, none is ERR_IO', async () => {
    const file = path.join(work, 'other.safetensors');
    await binding.writeLabelMatrix(file, await binding.labelMatrixFromFeatures(await clip.textFeatures(manyTexts(3)), HASH));
    await expect(binding.openLabelMatrix(file, { hash: 'f'.repeat(64) })).rejects.toMatchObject({ code: 'ERR_LABELS_MISMATCH' });
    await expect(binding.openLabelMatrix(file, { dim: 33 })).rejects.toMatchObject({ code: 'ERR_LABELS_MISMATCH' });
    await expect(binding.openLabelMatrix(path.join(work, 'none'), {})).rejects.toMatchObject({ code: 'ERR_IO' });
  });

  test('a caption has at most maxTokens ids, the same each time', async () => {
    const long = await caption.generate(image(2), { maxTokens: 12 });
    const short = await caption.generate(image(2), { maxTokens: 4 });
    expect(long).toHaveProperty('constructor.name', 'Int32Array');
    expect(long.length).toBeLessThanOrEqual(12);
    expect([...short]).toEqual([...long.slice(0, short.length)]);
    expect(await caption.generate(image(2), { maxTokens: 12 })).toEqual(long);
  });

  test('a model answers the same after it was offloaded and restored', async () => {
    const before = await (await clip.imageFeatures(image(1))).toArray();
    await clip.offload();
    await clip.restore();
    expect(await (await clip.imageFeatures(image(1))).toArray()).toEqual(before);
  });
});

describe('progress', () => {
  test('reports rise, are few, and the last comes before the promise settles', async () => {
    const reports: [number, number][] = [];
    const began = performance.now();
    await clip.textFeatures(LONG, undefined, (done, total) => reports.push([done, total]));
    const seconds = (performance.now() - began) / 1000;
    expect(reports.at(-1)).toEqual([20_000, 20_000]);
    expect(reports.filter(([done, total]) => done === total)).toHaveLength(1);
    expect(reports.map(([done]) => done)).toEqual([...reports.map(([done]) => done)].sort((a, b) => a - b));
    expect(reports.length).toBeLessThanOrEqual(2 + 10 * seconds);
  });

  test('what the callback throws rejects that call and stops it', async () => {
    const thrown = new TypeError('from the callback');
    let calls = 0;
    const token = binding.createCancelToken();
    const call = clip.textFeatures(LONG, token, () => {
      calls += 1;
      throw thrown;
    });
    await expect(call).rejects.toBe(thrown);
    expect(calls).toBe(1);
    // The token of the call was not the caller's.
    await expect(clip.imageFeatures(image(1), token)).resolves.toHaveProperty('rows', 1);
  });

  test('anything can be thrown', async () => {
    const call = clip.textFeatures(LONG, undefined, () => {
      throw 'a string';
    });
    await expect(call.catch((reason) => reason)).resolves.toBe('a string');
  });

  test('a callback that throws in the last report still rejects', async () => {
    const call = clip.textFeatures(tokenLists([320]), undefined, () => {
      throw new Error('late');
    });
    await expect(call).rejects.toThrow('late');
  });
});

describe('cancelling', () => {
  const aborted = { code: 'ERR_ABORTED', name: 'AbortError' };

  test('a call with a cancelled token rejects without running', async () => {
    const token = binding.createCancelToken();
    token.cancel();
    token.cancel();
    const before = device.stats();
    await expect(clip.imageFeatures(image(1), token)).rejects.toMatchObject(aborted);
    await expect(clip.textFeatures(LONG, token)).rejects.toMatchObject(aborted);
    expect(device.stats().completed).toBe(before.completed);
  });

  test('a running call stops at its next step, a queued one at once', async () => {
    const [running, queued] = [binding.createCancelToken(), binding.createCancelToken()];
    let done = false;
    const long = clip.textFeatures(LONG, running).finally(() => {
      done = true;
    });
    const waiting = clip.imageFeatures(image(1), queued);
    queued.cancel();
    await expect(waiting).rejects.toMatchObject(aborted);
    expect(done).toBe(false);
    running.cancel();
    await expect(long).rejects.toMatchObject(aborted);
  });

  test('one token stops all calls that it was given to, on every device', async () => {
    const other = await binding.openDevice('cpu', { threads: 1 });
    const model = await binding.openClipModel(other, await tinyClip());
    const token = binding.createCancelToken();
    const calls = [clip.textFeatures(LONG, token), clip.textFeatures(LONG, token), model.textFeatures(LONG, token)];
    const untouched = model.imageFeatures(image(1));
    await delay(20);
    token.cancel();
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: aborted });
    }
    await expect(untouched).resolves.toHaveProperty('rows', 1);
    await other.close();
  });

  test('a token is harmless after its call', async () => {
    const token = binding.createCancelToken();
    await clip.imageFeatures(image(1), token);
    token.cancel();
    await expect(clip.imageFeatures(image(1))).resolves.toHaveProperty('rows', 1);
  });
});

describe('the queue', () => {
  test('a full one rejects with ERR_BUSY, and what waits still answers', async () => {
    const images = Array.from({ length: 400 }, (_, i) => image(i % 7));
    // Faster than any device takes them: nothing else happens on this thread meanwhile.
    const settled = await Promise.allSettled(images.map((image) => clip.imageFeatures(image)));
    const refused = settled.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'ERR_BUSY' } });
    expect(settled.slice(0, 8).map(({ status }) => status)).toEqual(Array(8).fill('fulfilled'));
  });

  test('a short call has its turn while a long one is under way', async () => {
    const token = binding.createCancelToken();
    let done = false;
    const long = clip.textFeatures(LONG, token).finally(() => {
      done = true;
    });
    while (!device.stats().busy) await delay(1);
    await clip.imageFeatures(image(1));
    await caption.generate(image(1), { maxTokens: 4 });
    expect(done).toBe(false);
    token.cancel();
    await expect(long).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });

  test('calls that wait together are merged, and answer as they do alone', async () => {
    const other = await binding.openDevice('cpu', { threads: 1, maxBatch: 4 });
    const model = await binding.openCaptionModel(other, await tinyBlip());
    const images = Array.from({ length: 6 }, (_, i) => image(i));
    const alone = [];
    for (const image of images) alone.push(await model.generate(image, { maxTokens: 9 }));
    const before = other.stats();
    const opening = binding.openCaptionModel(other, await tinyBlip());
    while (!other.stats().busy) await delay(1);
    const together = await Promise.all(images.map((image) => model.generate(image, { maxTokens: 9 })));
    expect(together).toEqual(alone);
    const { batches, batched, largestBatch } = other.stats();
    expect({ batches: batches - before.batches, batched: batched - before.batched, largestBatch }).toEqual({
      batches: 2,
      batched: 6,
      largestBatch: 4,
    });
    await opening;
    await other.close();
  });

  test('closing a device waits for the running call and rejects the waiting ones', async () => {
    const other = await binding.openDevice('cpu', { threads: 1 });
    const model = await binding.openClipModel(other, await tinyClip());
    const settled: string[] = [];
    // One slice, and a long one: nobody has a turn before the close is seen.
    const many = await binding.featuresFromArray(other, new Float32Array(4_000 * 512).fill(0.5), 4_000, 512);
    const running = many.similarity(many).then(() => settled.push('running'));
    const waiting = model.imageFeatures(image(1));
    while (!other.stats().busy) await delay(1);
    const closed = other.close().then(() => settled.push('closed'));
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await Promise.all([running, closed]);
    expect(settled).toEqual(['running', 'closed']);
  });

  test('the event loop turns while a device works', async () => {
    const token = binding.createCancelToken();
    let done = false;
    const long = clip
      .textFeatures(LONG, token)
      .catch(() => {})
      .finally(() => {
        done = true;
      });
    // Turns, not time: neighbours may take the processor away, a call that blocked would leave no turn at all.
    for (let turn = 0; turn < 100; turn += 1) await delay(0);
    expect(done).toBe(false);
    token.cancel();
    await long;
  });
});
