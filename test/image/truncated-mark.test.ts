/** Files that end too early are marked where they are decoded as far as they go; whole ones are not. */
import { Interrogator } from '../../lib';
import { decodeImage } from '../../lib/image';
import { Random } from '../fuzz/support/random';
import { encoded } from '../run/support/picture-set';

describe.each(['sharp', 'jimp'])('%s', (decoder) => {
  const before = process.env.TORCH_INTERROGATOR_DECODER;
  beforeAll(() => {
    process.env.TORCH_INTERROGATOR_DECODER = decoder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.TORCH_INTERROGATOR_DECODER;
    else process.env.TORCH_INTERROGATOR_DECODER = before;
  });

  test.each(['jpg', 'png', 'webp', 'gif', 'bmp', 'tiff'] as const)('%s', async (format) => {
    const random = new Random(4, format.length);
    const whole = await encoded(12, format);
    using image = await decodeImage(whole, { truncated: 'best-effort' });
    expect(image.isTruncated).toBeUndefined();
    for (let round = 0; round < 8; round += 1) {
      const cut = whole.subarray(0, Math.floor(whole.length * (0.5 + random.next() * 0.45)));
      try {
        using part = await decodeImage(cut, { truncated: 'best-effort' });
        expect([cut.length, part.isTruncated]).toEqual([cut.length, true]);
      } catch (error) {
        // Of some files so little is left that there is no image.
        expect((error as { code: string }).code).toMatch(/ERR_IMAGE_(TRUNCATED|CORRUPT)/);
      }
    }
  });
});

test('descriptions say so, too', async () => {
  await using ours = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: 'sample',
    device: 'cpu',
    cachePath: null,
    quiet: true,
  });
  const whole = await encoded(12, 'bmp');
  const options = { mode: 'caption', truncated: 'best-effort' } as const;
  expect(await ours.describe(whole, options)).not.toHaveProperty('truncated');
  expect(await ours.describe(whole.subarray(0, whole.length - 2000), options)).toMatchObject({ truncated: true });
});
