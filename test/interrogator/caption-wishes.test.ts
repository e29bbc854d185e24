import { type ConfigInput, Interrogator } from '../../lib';
import { testImage } from '../support/images';

const CONFIG: ConfigInput = { clipModelName: 'sample', captionModelName: 'sample', cachePath: null, quiet: true };

test.each([
  { captionMaxLength: 3 },
  { captionMaxLength: 7, numBeams: 3 },
  { captionPrompt: 'a picture of' },
  { captionPrompt: 'a picture of', numBeams: 2, captionMaxLength: 9 },
])('%p asked of a call is what it is in a config', async (wishes) => {
  await using plain = await Interrogator.create({ ...CONFIG, captionPrompt: 'two' });
  await using settled = await Interrogator.create({ ...CONFIG, captionPrompt: 'two', ...wishes });
  for (const seed of [1, 2, 3]) {
    const image = testImage(seed);
    const caption = await settled.generateCaption(image);
    expect(await plain.generateCaption(image, wishes)).toBe(caption);
    expect((await plain.describe(image, { mode: 'caption', ...wishes })).caption).toBe(caption);
    const { features, ...answer } = await plain.describeModes(image, { modes: ['caption'], ...wishes });
    features.close();
    expect(answer.caption).toBe(caption);
  }
});

test('a caption that could not be as long as it is wanted is refused', async () => {
  await using interrogator = await Interrogator.create(CONFIG);
  await expect(interrogator.generateCaption(testImage(1), { captionMaxLength: 512 })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  await expect(interrogator.generateCaption(testImage(1), { numBeams: 0 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
});
