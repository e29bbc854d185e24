/** Captions beside transformers' own generate, as clip-interrogator calls it, on BLIP configs of two sizes. */
import path from 'node:path';
import { Config, Interrogator } from '../../lib';
import { decodeImage } from '../../lib/image';
import { loadNative } from '../../lib/native/load';
import { exportBundle } from '../support/bundles';
import { blipCheckpoint } from './checkpoints';
import { Reference } from './reference';

const TINY = { name: 'tiny-clip/', seed: 7, config: path.join(__dirname, 'reference', 'tiny-clip.json') };
const PHOTOGRAPHS = ['astronaut.png', 'coffee.png', 'chelsea.png', 'rocket.jpg', 'page.png', 'hubble_deep_field.jpg'];

let reference: Reference;
let photographs: string;

beforeAll(async () => {
  reference = await Reference.start();
  photographs = await reference.call<string>('photographs');
}, 900_000);

afterAll(async () => reference?.stop());

describe.each(['small', 'medium'] as const)('a %s BLIP', (size) => {
  let bundle: string;

  beforeAll(async () => {
    const checkpoint = await blipCheckpoint(reference, size, 11);
    bundle = await exportBundle('caption', `blip-${size}`, ['--checkpoint', checkpoint]);
    await reference.call('load', {
      clip: TINY,
      caption: checkpoint,
      options: { cache_path: null, data_path: path.join(__dirname, 'reference', 'vocabulary') },
    });
  }, 900_000);

  test('generates the token ids of transformers', async () => {
    const native = await loadNative();
    const device = await native.openDevice('cpu', {});
    const model = await native.openCaptionModel(device, bundle);
    const distinct = new Set<string>();
    for (const name of PHOTOGRAPHS) {
      const image = path.join(photographs, name);
      const theirs = await reference.call<number[]>('caption_ids', { path: image });
      const decoded = await decodeImage(image);
      const mine = await model.generate(native.copyImage({ ...decoded, channels: 3 }), { maxTokens: 32 });
      decoded.release();
      expect([30522, ...mine]).toEqual(theirs);
      distinct.add(theirs.join());
    }
    // The weights are such that images matter; were they not, equal ids would say little.
    expect(distinct.size).toBeGreaterThan(PHOTOGRAPHS.length / 2);
    await model.close();
    await device.close();
  }, 600_000);

  test('writes the caption of clip-interrogator', async () => {
    const clip = await exportBundle('clip', TINY.name, ['--untrained', '--seed', '7', '--config', TINY.config]);
    const ours = await Interrogator.create(
      new Config({ clipModelName: clip, captionModelName: bundle, device: 'cpu', quiet: true, cachePath: null, downloadCache: false }),
    );
    for (const name of PHOTOGRAPHS) {
      const image = path.join(photographs, name);
      expect(await ours.generateCaption(image)).toBe(await reference.call<string>('caption', { path: image }));
    }
    await ours.dispose();
  }, 600_000);
});
