/** Calls of one interrogator at the same time: which are admitted, and what they share. That answers stay the same is in parity/. */
import { type ConfigInput, Interrogator } from '../../lib';
import { tinyBlip, tinyClip } from '../support/bundles';
import { testImage } from '../support/images';

const CAPTION = 'an image of something';
let settings: ConfigInput;

beforeAll(async () => {
  const [clip, caption] = [await tinyClip(), await tinyBlip()];
  settings = { clipModelName: clip, captionModelName: caption, device: 'cpu', cachePath: null, quiet: true, flavorIntermediateCount: 64 };
}, 600_000);

async function withSettings(other: ConfigInput, run: (interrogator: Interrogator) => Promise<void>): Promise<void> {
  await using interrogator = await Interrogator.create({ ...settings, ...other });
  await run(interrogator);
}

test('one more than maxBatch and maxQueue take is refused at once, and nothing that was admitted is', async () => {
  await withSettings({ maxBatch: 1, maxQueue: 3 }, async (other) => {
    const order: string[] = [];
    const note = (name: string) => (call: Promise<unknown>) =>
      call.then(
        () => order.push(name),
        (error) => order.push(`${name}: ${error.code}`),
      );
    // None has its label tables yet: building them needs the device beyond the calls' own jobs.
    const calls = [
      note('best')(other.interrogate(testImage(1), { caption: CAPTION, maxFlavors: 2 })),
      note('classic')(other.interrogateClassic(testImage(2))),
      note('rank')(other.imageToFeatures(testImage(3)).then((features) => other.flavors.rank(features))),
      note('describe')(other.describe(testImage(4), { mode: 'negative', maxFlavors: 2 })),
      note('refused')(other.generateCaption(testImage(5))),
      note('refused too')(other.textToFeatures('x')),
    ];
    await Promise.all(calls);
    expect(order.slice(0, 2)).toEqual(['refused: ERR_BUSY', 'refused too: ERR_BUSY']);
    expect(order.slice(2).sort()).toEqual(['best', 'classic', 'describe', 'rank']);
    await other.generateCaption(testImage(5));
  });
});

test('a refusal says how many calls there are and what to do', async () => {
  await withSettings({ maxBatch: 1, maxQueue: 1 }, async (other) => {
    const admitted = [other.imageToFeatures(testImage(1)), other.imageToFeatures(testImage(2))];
    await expect(other.imageToFeatures(testImage(3))).rejects.toMatchObject({
      name: 'InterrogatorError',
      code: 'ERR_BUSY',
      message: expect.stringMatching(/2 calls.*maxQueue/s),
    });
    await Promise.all(admitted);
  });
});

test('calls that wait together share passes', async () => {
  await withSettings({}, async (other) => {
    await other.prepare();
    const before = other.engine.device.stats();
    await Promise.all(Array.from({ length: 12 }, (_, i) => other.interrogateFast(testImage(i))));
    const { batches, batched, largestBatch } = other.engine.device.stats();
    expect(batched - before.batched).toBe(36);
    expect(batches - before.batches).toBeLessThan(36);
    expect(largestBatch).toBeGreaterThan(1);
  });
});
