/** Captions of every family beside clip-interrogator's own, and beside transformers' generate with more of its options. */
import path from 'node:path';
import { Config, type ConfigInput, Interrogator } from '../../lib';
import { exportBundle } from '../support/bundles';
import { type CaptionerKind, captionerCheckpoint } from './checkpoints';
import { Reference } from './reference';

const TINY = { name: 'tiny-clip/', seed: 7, config: path.join(__dirname, 'reference', 'tiny-clip.json') };
const PHOTOGRAPHS = ['astronaut.png', 'coffee.png', 'chelsea.png', 'rocket.jpg', 'page.png'];
const PROMPT = 'a picture of';

interface Setting {
  title: string;
  config: ConfigInput;
  options: Record<string, number>;
  prompt?: string;
}

const SETTINGS: Setting[] = [
  { title: 'as clip-interrogator calls it', config: {}, options: {} },
  { title: 'with three beams', config: { numBeams: 3 }, options: { num_beams: 3 } },
  {
    title: 'that do not loop',
    config: { repetitionPenalty: 1.5, noRepeatNgramSize: 2, minLength: 10 },
    options: { repetition_penalty: 1.5, no_repeat_ngram_size: 2, min_length: 10 },
  },
  { title: 'that go on from a text', config: { captionPrompt: PROMPT }, options: {}, prompt: PROMPT },
  {
    title: 'with all of it',
    config: { captionPrompt: PROMPT, numBeams: 3, repetitionPenalty: 1.5, noRepeatNgramSize: 2, minLength: 10 },
    options: { num_beams: 3, repetition_penalty: 1.5, no_repeat_ngram_size: 2, min_length: 10 },
    prompt: PROMPT,
  },
];

let reference: Reference;
let photographs: string;
let clip: string;

beforeAll(async () => {
  reference = await Reference.start();
  photographs = await reference.call<string>('photographs');
  clip = await exportBundle('clip', TINY.name, ['--untrained', '--seed', '7', '--config', TINY.config]);
}, 900_000);

afterAll(async () => reference?.stop());

describe.each<CaptionerKind>(['blip', 'opt', 't5', 'git'])('captions of a small %s', (kind) => {
  let bundle: string;

  const configOf = (more: ConfigInput) =>
    new Config({
      ...{ clipModelName: clip, captionModelName: bundle, captionMaxLength: 24 },
      ...{ device: 'cpu', quiet: true, cachePath: null, downloadCache: false },
      ...more,
    });

  beforeAll(async () => {
    const folder = await captionerCheckpoint(reference, kind, 3);
    bundle = await exportBundle('caption', `tiny-${kind}`, ['--checkpoint', folder]);
    const options = { cache_path: null, data_path: path.join(__dirname, 'reference', 'vocabulary'), caption_max_length: 24 };
    await reference.call('load_captioner', { clip: TINY, folder, options });
  }, 900_000);

  test.each(SETTINGS)(
    '$title, alone and five at once',
    async ({ config, options, prompt }) => {
      const ours = await Interrogator.create(configOf(config));
      const theirs: string[] = [];
      for (const name of PHOTOGRAPHS) {
        const image = path.join(photographs, name);
        theirs.push(await reference.call<string>('caption_with', { path: image, options, prompt: prompt ?? null }));
      }
      const images = PHOTOGRAPHS.map((name) => path.join(photographs, name));
      expect(await Promise.all(images.map((image) => ours.generateCaption(image)))).toEqual(theirs);
      expect(await ours.generateCaption(images[0] as string)).toBe(theirs[0]);
      // Were the captions all the same, equal ones would say little.
      expect(new Set(theirs).size).toBeGreaterThan(2);
      await ours.dispose();
    },
    600_000,
  );

  test('clip-interrogator itself writes the same', async () => {
    const ours = await Interrogator.create(configOf({}));
    const image = path.join(photographs, 'astronaut.png');
    expect(await ours.generateCaption(image)).toBe(await reference.call<string>('caption', { path: image }));
    await ours.dispose();
  }, 600_000);

  test('a prompt that leaves no room for the caption is an error of the config', async () => {
    const captionPrompt = 'a picture of '.repeat(40);
    await expect(Interrogator.create(configOf({ captionPrompt }))).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/captionPrompt: got a text of \d+ tokens/),
    });
  }, 600_000);
});
