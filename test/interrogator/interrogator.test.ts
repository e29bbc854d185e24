import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConfigInput, type Features, Interrogator, type Mode, type RawImage } from '../../lib';
import type { Call } from '../../lib/engine/calls';
import type { NativeBinding, NativeClipModel } from '../../lib/native/types';
import { tinyBlip, tinyClip } from '../support/bundles';
import { testImage } from '../support/images';

let work: string;
let settings: ConfigInput;
let ours: Interrogator;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'interrogator-'));
  const [clip, caption] = [await tinyClip(), await tinyBlip()];
  settings = { clipModelName: clip, captionModelName: caption, device: 'cpu', cachePath: work, quiet: true, flavorIntermediateCount: 64 };
  ours = await Interrogator.create(settings);
}, 600_000);

afterAll(async () => {
  await ours?.dispose();
  rmSync(work, { recursive: true, force: true });
});

/** Makes another interrogator with other settings, and disposes it. */
async function withSettings<T>(other: ConfigInput, run: (interrogator: Interrogator) => Promise<T>): Promise<T> {
  await using interrogator = await Interrogator.create({ ...settings, ...other });
  return await run(interrogator);
}

type ResizableBuffers = new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
const overwrite = (bytes: Uint8Array): unknown => bytes.fill(0);
const transfer = ({ buffer }: Uint8Array): unknown => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
const shrink = ({ buffer }: Uint8Array): unknown => (buffer as unknown as { resize(length: number): void }).resize(0);

const CAPTION = 'a photo of a cat';
const APPLE = path.join(__dirname, '..', '..', 'models', 'sample', 'images', 'apple.png');

describe('features', () => {
  test('an image has one row of unit length, a list of texts a row each', async () => {
    const features = await ours.imageToFeatures(testImage(1));
    const texts = await ours.textToFeatures(['a cat', 'a dog', 'a very long text '.repeat(60)]);
    expect([features.rows, features.dim, texts.rows, texts.dim]).toEqual([1, ours.embedDim, 3, ours.embedDim]);
    for (const row of [await features.toArray(), (await texts.toArray()).subarray(ours.embedDim, 2 * ours.embedDim)]) {
      expect(Math.hypot(...row)).toBeCloseTo(1, 4);
    }
  });

  test('pixels that are ours are freed as soon as nothing reads them, those of the caller are not touched', async () => {
    const raw = { data: new Uint8Array(4 * 4 * 3).fill(9), width: 4, height: 4, channels: 3 as const };
    const file = await readFile(APPLE);
    const { binding } = (ours as unknown as { engine: { binding: NativeBinding } }).engine;
    const expected = jest.spyOn(binding, 'expectImage');
    const copied = jest.spyOn(binding, 'copyImage');
    await ours.describe(file, { mode: 'fast', caption: CAPTION });
    await ours.imageToFeatures(raw);
    await withSettings({ captionModelName: null }, async (without) => {
      await expect(without.interrogateFast(raw)).rejects.toMatchObject({ code: 'ERR_CAPTION_MODEL_MISSING' });
    });
    expect(file.equals(await readFile(APPLE))).toBe(true);
    expect(raw.data).toHaveLength(48);
    expect(expected).toHaveBeenCalledTimes(1);
    expect(copied).toHaveBeenCalledTimes(2);
    for (const { value } of [...expected.mock.results, ...copied.mock.results]) {
      const { model } = ours.engine.clip as unknown as { model: NativeClipModel };
      await expect(model.imageFeatures(value)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    }
    jest.restoreAllMocks();
  });

  test.each<[string, (ours: Interrogator, image: RawImage) => Promise<unknown>]>([
    ['imageToFeatures', async (ours, image) => (await ours.imageToFeatures(image)).toArray()],
    ['generateCaption', (ours, image) => ours.generateCaption(image)],
    ['interrogateFast', (ours, image) => ours.interrogateFast(image, { maxFlavors: 3 })],
    ['describe', async (ours, image) => (await ours.describe(image, { mode: 'classic' })).prompt],
  ])('%s: pixels may be written to, transferred or cut short once it has returned', async (_, call) => {
    const expected = await call(ours, testImage(8));
    for (const take of [overwrite, transfer, shrink]) {
      const { data, ...size } = testImage(8);
      const bytes = new Uint8Array(new (ArrayBuffer as ResizableBuffers)(data.length, { maxByteLength: data.length + 1 }));
      bytes.set(data);
      const image = { ...size, data: take === transfer ? data : bytes };
      const answer = call(ours, image);
      take(image.data);
      expect(await answer).toEqual(expected);
    }
  });

  test('similarities are the products of the rows', async () => {
    const features = await ours.imageToFeatures(testImage(1));
    const texts = await ours.textToFeatures(['a cat', 'a dog']);
    const [a, b] = [await features.toArray(), await texts.toArray()];
    const expected = [0, 1].map((row) => a.reduce((sum, value, i) => sum + value * (b[row * a.length + i] as number), 0));
    const similarities = await ours.similarities(features, ['a cat', 'a dog']);
    for (const [i, value] of expected.entries()) expect(similarities[i]).toBeCloseTo(value, 5);
    expect(await ours.similarity(features, 'a dog')).toBeCloseTo(expected[1] as number, 5);
    expect((await features.similarity(texts))[0]).toBeCloseTo(expected[0] as number, 5);
  });

  test('rankTop is the most similar text, in reverse the least', async () => {
    const features = await ours.imageToFeatures(testImage(2));
    const texts = ['a cat', 'the sea at night', 'x', 'a dog'];
    const similarities = await ours.similarities(features, texts);
    expect(await ours.rankTop(features, texts)).toBe(texts[similarities.indexOf(Math.max(...similarities))]);
    expect(await ours.rankTop(features, texts, { reverse: true })).toBe(texts[similarities.indexOf(Math.min(...similarities))]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['no texts', async () => ours.similarities(await ours.imageToFeatures(testImage(1)), [])],
    ['features of two texts', async () => ours.similarity(await ours.textToFeatures(['a', 'b']), 'c')],
    ['something else for features', async () => ours.similarity({} as Features, 'c')],
    ['a negative count', async () => ours.interrogateFast(testImage(1), { caption: CAPTION, maxFlavors: -1 })],
    ['an unknown mode', async () => ours.describe(testImage(1), { mode: 'slow' as Mode })],
    ['a signal that is none', () => ours.imageToFeatures(testImage(1), { signal: {} as AbortSignal })],
    ['a listener that is none', () => ours.imageToFeatures(testImage(1), { onProgress: 5 as never })],
    ['a caption that is no text', async () => ours.interrogateFast(testImage(1), { caption: 3 as unknown as string })],
  ])('%s: refused with ERR_INVALID_ARGUMENT', async (_, call) => {
    await expect(call()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

describe('modes', () => {
  test('a caption is the same each time and has no blanks around it', async () => {
    const caption = await ours.generateCaption(testImage(3));
    expect(caption).toBe(caption.trim());
    expect(await ours.generateCaption(testImage(3))).toBe(caption);
  });

  test('fast is the caption and the top terms of the merged tables', async () => {
    const features = await ours.imageToFeatures(testImage(3));
    const scored = await Promise.all(
      [ours.artists, ours.flavors, ours.mediums, ours.movements, ours.trendings].map((table) =>
        table.rankScored(features, { topCount: 3 }),
      ),
    );
    const top = scored
      .flat()
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, 3);
    expect(await ours.interrogateFast(testImage(3), { caption: CAPTION, maxFlavors: 3 })).toBe(
      [CAPTION, ...top.map(({ label }) => label)].join(', '),
    );
  });

  test('classic names the top of each table', async () => {
    const features = await ours.imageToFeatures(testImage(4));
    const [[medium], [artist], [trending], [movement], flavors] = await Promise.all([
      ours.mediums.rank(features),
      ours.artists.rank(features),
      ours.trendings.rank(features),
      ours.movements.rank(features),
      ours.flavors.rank(features, { topCount: 3 }),
    ]);
    expect(await ours.interrogateClassic(testImage(4), { caption: 'one cat' })).toBe(
      `one cat, ${medium} ${artist}, ${trending}, ${movement}, ${flavors.join(', ')}`,
    );
  });

  test('best is at least as similar as the caption, the classic and the fast prompt', async () => {
    const features = await ours.imageToFeatures(testImage(5));
    const best = await ours.describe(testImage(5), { caption: CAPTION, maxFlavors: 8 });
    const others = [
      CAPTION,
      await ours.interrogateFast(testImage(5), { caption: CAPTION, maxFlavors: 8 }),
      await ours.interrogateClassic(testImage(5), { caption: CAPTION, maxFlavors: 8 }),
    ];
    expect(best.similarity).toBeCloseTo(await ours.similarity(features, best.prompt), 5);
    expect(best.similarity).toBeGreaterThanOrEqual(Math.max(...(await ours.similarities(features, others))) - 1e-5);
    expect(best).toMatchObject({ caption: CAPTION, seconds: expect.any(Number) });
    expect(await ours.interrogate(testImage(5), { caption: CAPTION, maxFlavors: 8 })).toBe(best.prompt);
  });

  test('an empty caption is generated', async () => {
    const { caption, prompt } = await ours.describe(testImage(6), { mode: 'caption', caption: '' });
    expect(caption).toBe(await ours.generateCaption(testImage(6)));
    expect(prompt).toBe(caption);
  });

  test('negative has no caption, and corrected it reaches lower than the reference does', async () => {
    const reference = await ours.describe(testImage(7), { mode: 'negative', maxFlavors: 6 });
    const corrected = await withSettings({ compat: 'corrected' }, (other) =>
      other.describe(testImage(7), { mode: 'negative', maxFlavors: 6 }),
    );
    expect(reference.caption).toBeNull();
    expect(corrected.similarity).toBeLessThanOrEqual(reference.similarity + 1e-6);
  });

  test('a prompt never outgrows the context', async () => {
    const { prompt } = await ours.describe(testImage(8), { mode: 'fast', caption: CAPTION, maxFlavors: 60 });
    expect(prompt.split(', ').length).toBeLessThan(61);
    const [ids] = await ours.engine.clip.encodeAll([prompt], {} as Call);
    expect(ids?.length).toBeLessThanOrEqual(77);
  });

  test.each<[string, (features: Features, text: string) => Promise<unknown>]>([
    ['fast', (_, caption) => ours.describe(testImage(8), { mode: 'fast', caption })],
    ['classic', (_, caption) => ours.describe(testImage(8), { mode: 'classic', caption })],
    ['chain', (features, bestPrompt) => ours.chain(features, ['é', 'b'], { bestPrompt, minCount: 2 })],
  ])('%s cleans no long text on the event loop', async (_, call) => {
    const features = await ours.imageToFeatures(testImage(8));
    await ours.prepare();
    const normalize = jest.spyOn(String.prototype, 'normalize');
    try {
      await call(features, `a${'\u0301'.repeat(10_000)}`);
      const lengths = normalize.mock.contexts.map((text) => String(text).length);
      expect(lengths.filter((length) => length > 2000)).toEqual([]);
    } finally {
      normalize.mockRestore();
    }
  });
});

describe('chain', () => {
  test('each step takes the phrase that brings the prompt nearest, phrases with odd text among them', async () => {
    const features = await ours.imageToFeatures(testImage(9));
    const phrases = ['café', 'rock &amp; roll', 'mÃ©tier', '', 'soft light', "'90s", 'soft light', 'cold sea', 'naïve &eacute;'];
    const distinct = [...new Set(phrases)];
    const first = await ours.rankTop(
      features,
      distinct.map((phrase) => `${CAPTION}, ${phrase}`),
    );
    const second = await ours.rankTop(
      features,
      distinct.filter((phrase) => `${CAPTION}, ${phrase}` !== first).map((phrase) => `${first}, ${phrase}`),
    );
    const options = { bestPrompt: CAPTION, bestSimilarity: -1, minCount: 2 };
    expect(await ours.chain(features, phrases, { ...options, maxCount: 1 })).toBe(first);
    const [afterOne, afterTwo] = await ours.similarities(features, [first, second]);
    expect(await ours.chain(features, phrases, { ...options, maxCount: 2 })).toBe(
      (afterTwo as number) > (afterOne as number) ? second : first,
    );
  });

  test('without a prompt it begins with the best phrase, in reverse with the worst', async () => {
    const features = await ours.imageToFeatures(testImage(10));
    const phrases = ['a cat', 'the sea', 'night'];
    expect(await ours.chain(features, phrases, { maxCount: 0 })).toBe(await ours.rankTop(features, phrases));
    expect(await ours.chain(features, phrases, { maxCount: 0, reverse: true })).toBe(
      await ours.rankTop(features, phrases, { reverse: true }),
    );
  });

  test('ends when the phrases are used up', async () => {
    const features = await ours.imageToFeatures(testImage(10));
    const prompt = await ours.chain(features, ['a', 'b'], { bestPrompt: 'x', bestSimilarity: -1, minCount: 8 });
    expect(['x, a', 'x, b', 'x, a, b', 'x, b, a']).toContain(prompt);
    expect(await ours.chain(features, [])).toBe('');
  });
});

describe('missing parts', () => {
  test('without a caption model a caption must be given', async () => {
    await withSettings({ captionModelName: null }, async (other) => {
      for (const call of [other.generateCaption(testImage(1)), other.interrogateFast(testImage(1))]) {
        await expect(call).rejects.toMatchObject({
          code: 'ERR_CAPTION_MODEL_MISSING',
          message: expect.stringContaining('No caption model loaded'),
        });
      }
      expect(await other.interrogateFast(testImage(1), { caption: CAPTION, maxFlavors: 1 })).toContain(CAPTION);
    });
  });

  test('a bundle without a vocabulary makes features, and names what its tables lack', async () => {
    await withSettings({ clipModelName: await tinyClip({ vocabulary: 'none' }) }, async (other) => {
      expect((await other.imageToFeatures(testImage(1))).rows).toBe(1);
      expect(() => other.flavors).toThrow(expect.objectContaining({ code: 'ERR_VOCABULARY_NOT_FOUND' }));
      await expect(other.interrogateFast(testImage(1), { caption: CAPTION })).rejects.toMatchObject({ code: 'ERR_VOCABULARY_NOT_FOUND' });
    });
  }, 300_000);

  test('a data folder without the lists is refused at once', async () => {
    await expect(Interrogator.create({ ...settings, dataPath: work })).rejects.toMatchObject({ code: 'ERR_VOCABULARY_NOT_FOUND' });
  });

  test('a caption bundle is no CLIP model', async () => {
    await expect(Interrogator.create({ ...settings, clipModelName: settings.captionModelName as string })).rejects.toMatchObject({
      code: 'ERR_BUNDLE_KIND',
    });
  });

  test('an unknown device is refused', async () => {
    await expect(Interrogator.create({ ...settings, device: 'cuda:99' })).rejects.toMatchObject({ code: 'ERR_DEVICE' });
  });
});

test('captions longer than the model can write are refused at once', async () => {
  await expect(Interrogator.create({ ...settings, captionMaxLength: 512 })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(/captionMaxLength: got 512; .* at most \d+ tokens/),
  });
});
