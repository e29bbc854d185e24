/** How an interrogator's calls end: by a listener, an abort, in a batch, by dispose(). */
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConfigInput, type Description, Interrogator, type ProgressEvent } from '../../lib';
import { tinyBlip, tinyClip } from '../support/bundles';
import { testImage } from '../support/images';

const CAPTION = 'a photo of a cat';

let work: string;
let settings: ConfigInput;
let ours: Interrogator;

beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'ends-of-calls-'));
  const [clip, caption] = [await tinyClip(), await tinyBlip()];
  settings = { clipModelName: clip, captionModelName: caption, device: 'cpu', cachePath: work, quiet: true, flavorIntermediateCount: 64 };
  ours = await Interrogator.create(settings);
}, 600_000);

afterAll(async () => {
  await ours?.dispose();
  rmSync(work, { recursive: true, force: true });
});

test("what a listener throws ends its call with the listener's error as cause", async () => {
  const broken = new TypeError('on purpose');
  const call = ours.imageToFeatures(testImage(1), {
    onProgress: () => {
      throw broken;
    },
  });
  await expect(call).rejects.toMatchObject({ name: 'InterrogatorError', code: 'ERR_RUNTIME', message: 'on purpose', cause: broken });
});

describe('aborts', () => {
  test('before: rejects without doing anything', async () => {
    const signal = AbortSignal.abort('no');
    const calls = [
      Interrogator.create(settings, { signal }),
      ours.interrogate(testImage(1), { signal }),
      ours.generateCaption(testImage(1), { signal }),
      ours.imageToFeatures(testImage(1), { signal }),
      ours.textToFeatures('x', { signal }),
      ours.prepare({ signal }),
      ours.interrogateBatch([testImage(1)], { signal }).next(),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: 'no' });
  });

  test('at once, with an image that cannot be decoded: nothing is left unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    for (const bytes of ['GIF89a\x02\0\x02\0', '\xff\xd8\xff\xe0 no more', '\x89PNG\r\n\x1a\n']) {
      const controller = new AbortController();
      const call = ours.imageToFeatures(Buffer.from(bytes, 'latin1'), { signal: controller.signal });
      controller.abort();
      await expect(call).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    }
    await delay(200);
    process.removeListener('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test("during: stops the chain, with the signal's reason", async () => {
    const controller = new AbortController();
    const events: ProgressEvent[] = [];
    const call = ours.interrogate(testImage(1), {
      caption: CAPTION,
      minFlavors: 32,
      signal: controller.signal,
      onProgress: (event) => {
        events.push(event);
        if (event.stage === 'chain' && event.done === 2) controller.abort('enough');
      },
    });
    await expect(call).rejects.toMatchObject({ name: 'AbortError', code: 'ERR_ABORTED', cause: 'enough' });
    expect(events.filter(({ stage, done }) => stage === 'chain' && done > 3)).toEqual([]);
  });

  test('after: changes nothing, and no listener is left', async () => {
    const controller = new AbortController();
    const features = await ours.imageToFeatures(testImage(1), { signal: controller.signal });
    await ours.interrogateFast(testImage(1), { caption: CAPTION, signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort();
    expect(await ours.similarity(features, 'x')).toEqual(expect.any(Number));
  });
});

describe('batches', () => {
  test('give what single calls give, in order, with errors in their places', async () => {
    const images = [testImage(1), '/no/such/file.png', testImage(2), testImage(3)];
    const results = [];
    for await (const result of ours.interrogateBatch(images, { mode: 'fast', caption: CAPTION, maxFlavors: 2, concurrency: 3 })) {
      results.push(result);
    }
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(results[1]).toMatchObject({ image: images[1], error: { code: 'ERR_IMAGE_NOT_FOUND' } });
    for (const i of [0, 2, 3]) {
      const prompt = await ours.interrogateFast(images[i] as ReturnType<typeof testImage>, { caption: CAPTION, maxFlavors: 2 });
      expect(results[i]).toMatchObject({ image: images[i], mode: 'fast', prompt, caption: CAPTION });
      expect((results[i] as Description).similarity).toEqual(expect.any(Number));
    }
  });
});

describe('dispose', () => {
  test('may be called again; every use after it is refused', async () => {
    const other = await Interrogator.create(settings);
    const features = await other.imageToFeatures(testImage(1));
    const { flavors } = other;
    await Promise.all([other.dispose(), other.dispose()]);
    await other.dispose();
    const uses = [
      other.interrogate(testImage(1)),
      other.interrogateNegative(testImage(1)),
      other.generateCaption(testImage(1)),
      other.imageToFeatures(testImage(1)),
      other.textToFeatures('x'),
      other.similarity(features, 'x'),
      other.chain(features, ['x']),
      other.prepare(),
      flavors.rank(features),
      features.toArray(),
    ];
    for (const use of uses) await expect(use).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(other.interrogateBatch([testImage(1)]).next()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('ends what waits, and is done when all calls are settled', async () => {
    const other = await Interrogator.create(settings);
    const calls = Array.from({ length: 12 }, (_, i) => other.interrogate(testImage(i), { caption: CAPTION, minFlavors: 32 }));
    let settled = 0;
    for (const call of calls)
      call.then(
        () => (settled += 1),
        () => (settled += 1),
      );
    await delay(20);
    await other.dispose();
    await delay(0);
    expect(settled).toBe(12);
    const codes = (await Promise.allSettled(calls)).map((result) => (result.status === 'rejected' ? result.reason.code : 'done'));
    expect(codes).toContain('ERR_DISPOSED');
    expect(codes.filter((code) => code !== 'done' && code !== 'ERR_DISPOSED')).toEqual([]);
  });
});
