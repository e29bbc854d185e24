/** Thumbnails, by both of the libraries that make them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { thumbnail } from '../../lib/api';
import { testImage } from '../support/images';

const APPLE = path.resolve('models/sample/images/apple.png');
const encoded = (width: number, height: number) => {
  const { data, ...raw } = testImage(1);
  return sharp(data, { raw }).resize(width, height, { fit: 'fill' });
};
const sizeOf = async (file: Buffer): Promise<[string, number, number]> => {
  const { format, width, height } = await sharp(file).metadata();
  return [format, width, height];
};

describe.each(['sharp', 'jimp'])('by %s', (library) => {
  beforeAll(() => {
    if (library === 'jimp') process.env.TORCH_INTERROGATOR_DECODER = 'jimp';
  });
  afterAll(() => {
    delete process.env.TORCH_INTERROGATOR_DECODER;
  });

  test.each([
    [640, 400, 160, 100],
    [400, 640, 100, 160],
    [160, 20, 160, 20],
    [50, 30, 50, 30],
    [1000, 1, 160, 1],
    [1, 1, 1, 1],
  ])('%d × %d pixels become %d × %d', async (width, height, ...expected) => {
    for (const image of [encoded(width, height).jpeg(), encoded(width, height).png()]) {
      expect(await sizeOf(await thumbnail(await image.toBuffer()))).toEqual(['jpeg', ...expected]);
    }
  });

  test('looks like the image', async () => {
    const pixelsOf = (file: Buffer | string) => sharp(file).removeAlpha().resize(16, 16, { fit: 'fill' }).raw().toBuffer();
    const small = await thumbnail(APPLE, { size: 64 });
    expect(await sizeOf(small)).toEqual(['jpeg', 64, 64]);
    const [seen, meant] = [await pixelsOf(small), await pixelsOf(APPLE)];
    const differences = [...seen].map((value, i) => Math.abs(value - (meant[i] as number)));
    expect(differences.reduce((sum, each) => sum + each, 0) / differences.length).toBeLessThan(4);
  });

  test('is upright', async () => {
    const turned = await encoded(640, 400).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await sizeOf(await thumbnail(turned))).toEqual(['jpeg', 100, 160]);
  });

  test('shows transparent parts white', async () => {
    const clear = await sharp({ create: { width: 20, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
      .png()
      .toBuffer();
    expect(
      [
        ...(await sharp(await thumbnail(clear))
          .raw()
          .toBuffer()),
      ].every((value) => value > 250),
    ).toBe(true);
  });

  test('rejects for what is no image', async () => {
    await expect(thumbnail(Buffer.from('no image'))).rejects.toMatchObject({ code: 'ERR_IMAGE_FORMAT' });
    await expect(thumbnail('/nowhere.png')).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
    await expect(thumbnail(APPLE, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });
});

test('a file that ends too early is shown as far as it goes', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'thumbnail-'));
  const file = path.join(folder, 'cut.png');
  writeFileSync(file, readFileSync(APPLE).subarray(0, 9000));
  const jpeg = await encoded(640, 400).jpeg().toBuffer();
  expect(await sizeOf(await thumbnail(file))).toEqual(['jpeg', 160, 160]);
  expect(await sizeOf(await thumbnail(jpeg.subarray(0, jpeg.length / 2)))).toEqual(['jpeg', 160, 100]);
  rmSync(folder, { recursive: true });
});
