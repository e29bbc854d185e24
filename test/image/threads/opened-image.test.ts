import sharp from 'sharp';
import { toInterrogatorError } from '../../../lib/errors';
import type { Color } from '../../../lib/image/decoders/request';
import { receive, send } from '../../../lib/image/threads/messages';
import { openImage } from '../../../lib/image/threads/opened-image';

const asked = { name: 'the image', file: '', maxPixels: 1e9, orientation: 'exif', truncated: 'error', target: undefined } as const;

test.each(['gif', 'png', 'webp', 'tiff'] as const)('a lack of memory keeps its code wherever it strikes: %s', async (format) => {
  const bytes = await sharp({ create: { width: 40, height: 30, channels: 4, background: { r: 1, g: 2, b: 3, alpha: 0.5 } } })
    .toFormat(format)
    .toBuffer();
  const background: Color = {
    get r(): number {
      throw new RangeError('Array buffer allocation failed');
    },
    g: 1,
    b: 2,
  };
  const image = await openImage({ ...asked, background, usesSharp: false }, bytes);
  await expect(image.decode(() => {})).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
});

test.each([
  ['gif', 1],
  ['png', 0],
  ['jpeg', 0],
] as const)('it says when a decoder of ours begins, which sharp makes needless: %s', async (format, expected) => {
  const bytes = await sharp({ create: { width: 40, height: 30, channels: 3, background: '#123' } })
    .toFormat(format)
    .toBuffer();
  for (const [usesSharp, count] of [
    [true, expected],
    [false, 1],
  ] as const) {
    const began = jest.fn();
    const image = await openImage({ ...asked, background: undefined, usesSharp }, bytes);
    await image.decode(began);
    expect(began).toHaveBeenCalledTimes(count);
  }
});

test('an error crosses with its code, its message, its hint and its cause', () => {
  const cause = Object.assign(new Error('no such thing'), { code: 'ENOENT', path: '/a' });
  for (const error of [toInterrogatorError(cause), toInterrogatorError(Object.assign(new Error('full'), { code: 'ERR_OUT_OF_MEMORY' }))]) {
    const there = receive(structuredClone(send(error)));
    expect(there).toMatchObject({ name: error.name, code: error.code, message: error.message, hint: error.hint });
    expect(there.cause).toMatchObject({ ...(error.cause as object), message: (error.cause as Error).message });
  }
});
