import { writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { closeDecodeThreads, decodeImage } from '../../../lib/image';
import { costOfOnePass, countsMainThread, longestTurn } from '../../support/main-thread';
import { nativeFiles, openBinding } from '../../support/native';
import { removeFolder, temporaryFolder } from '../../tokenizer/reference';

const folder = temporaryFolder();
afterAll(async () => {
  await closeDecodeThreads();
  removeFolder(folder);
});

const [WIDTH, HEIGHT] = [3000, 2000];
const onLinux = countsMainThread ? test : test.skip;

const image = sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#567' } });
const raw16 = { raw: { width: WIDTH, height: HEIGHT, channels: 1 as const, depth: 'ushort' as const } };

onLinux.each<[string, () => Promise<Buffer>]>([
  ['a JPEG', () => image.clone().jpeg().toBuffer()],
  ['a PNG with alpha', () => image.clone().ensureAlpha(0.5).png({ compressionLevel: 1 }).toBuffer()],
  ['a grey PNG', () => image.clone().greyscale().png({ compressionLevel: 1 }).toBuffer()],
  [
    'a 16-bit PNG',
    () =>
      sharp(new Uint16Array(WIDTH * HEIGHT).fill(300), raw16)
        .toColourspace('grey16')
        .png({ compressionLevel: 1 })
        .toBuffer(),
  ],
  ['a TIFF that lies on its side', () => image.clone().withMetadata({ orientation: 6 }).tiff({ compression: 'lzw' }).toBuffer()],
  ['a CMYK JPEG', () => image.clone().toColourspace('cmyk').jpeg().toBuffer()],
  ['a GIF', () => image.clone().gif().toBuffer()],
])('the event loop goes on while %s is decoded', async (_, make) => {
  const file = await make();
  (await decodeImage(file)).release();
  const turns: number[] = [];
  for (let sample = 0; sample < 3; sample++) turns.push(await longestTurn(async () => (await decodeImage(file)).release()));
  // The least of three: a garbage collection is not the decoder's.
  expect(Math.min(...turns)).toBeLessThan(costOfOnePass() / 3);
});

afterEach(() => {
  delete process.env.TORCH_INTERROGATOR_DECODER;
});

/** Bytes of arrays, also of those whose memory is another library's: V8 counts both as external. */
const arrayBytes = (): number => process.memoryUsage().external;

const noise = sharp({
  create: { width: WIDTH, height: HEIGHT, channels: 3, background: '#567', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
});
/** Each file of noise below is larger, and its pixels are 22 MB and more. */
const LESS_THAN_A_FILE = 4 << 20;

test.each([
  ['jpeg', 'sharp', 5000],
  ['png', 'sharp', 4100],
  ['tiff', 'sharp', 6100],
  ['gif', 'sharp', 2900],
  ['png', 'jimp', 2500],
])(
  'neither the file nor the pixels of a %s for the models are in the heap of the thread that calls: %s',
  async (format, decoder, width) => {
    if (decoder === 'jimp') process.env.TORCH_INTERROGATOR_DECODER = decoder;
    const file = path.join(folder, `${decoder}.${format}`);
    writeFileSync(
      file,
      await noise
        .clone()
        .resize(width, 3000, { fit: 'fill', kernel: 'nearest' })
        .toFormat(format as 'gif', { effort: 1, dither: 0 })
        .toBuffer(),
    );
    const binding = await openBinding();
    const arraysOfDecode = async (): Promise<number> => {
      global.gc?.();
      const before = arrayBytes();
      let most = 0;
      const timer = setInterval(() => {
        most = Math.max(most, arrayBytes() - before);
      }, 1);
      using native = binding.expectImage();
      const { release, data } = await decodeImage(file, {}, { addon: nativeFiles().addon, number: native.number });
      clearInterval(timer);
      most = Math.max(most, arrayBytes() - before);
      release();
      expect([native.width, native.height, data.length]).toEqual([width, 3000, 0]);
      return most;
    };
    // The first one loads what it needs.
    await arraysOfDecode();
    expect(await arraysOfDecode()).toBeLessThan(LESS_THAN_A_FILE);
  },
);
