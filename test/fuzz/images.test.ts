import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { closeDecodeThreads, type DecodeOptions, decodeImage, decodeStats } from '../../lib/image';
import { sniff } from '../../lib/image/formats';
import { bmpFile, gifFile, jpegSegment, pngChunk, riffChunk } from '../image/assemble';
import { testImage } from '../support/images';
import { removeFolder, temporaryFolder } from '../tokenizer/reference';
import { fuzz, outcome } from './support/fuzz';
import { mutated, type Random } from './support/random';

const folder = temporaryFolder();
let sources: Buffer[];

const EXIF = Buffer.from('II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0', 'latin1');

/** Small files of every format and in their main kinds. */
async function makeSources(): Promise<Buffer[]> {
  const { data, width, height } = testImage(7, 33, 20);
  const image = () => sharp(data, { raw: { width, height, channels: 3 } });
  const frames = () => sharp(data, { raw: { width, height, channels: 3, pageHeight: height / 2 } });
  const tiffs = (['none', 'lzw', 'deflate', 'packbits', 'jpeg'] as const).flatMap((compression) => [
    image().tiff({ compression }),
    image().tiff({ compression, tile: true, tileWidth: 16, tileHeight: 16 }),
  ]);
  const encoded = await Promise.all(
    [
      image().jpeg(),
      image().jpeg({ progressive: true }),
      image().toColourspace('cmyk').jpeg(),
      image().greyscale().jpeg(),
      image().png(),
      image().png({ palette: true }),
      image().png({ progressive: true }),
      image().ensureAlpha(0.5).png(),
      image().toColourspace('rgb16').png(),
      image().webp(),
      image().webp({ lossless: true }),
      image().ensureAlpha(0.5).webp(),
      frames().webp(),
      frames().gif(),
      image().gif(),
      image().avif({ effort: 0 }),
      image().tiff({ bigtiff: true }),
      ...tiffs,
    ].map((each) => each.toBuffer()),
  );
  const [jpeg, , , , png, , , , , webp] = encoded as [Buffer, ...Buffer[]];
  const canvas = Buffer.from([8, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0]);
  const palette = Buffer.from(Array.from({ length: 1024 }, (_, at) => at & 255));
  const indexed = Buffer.concat([bmpFile(12, 5), palette, Buffer.alloc(60, 3)]);
  indexed.writeUInt16LE(8, 28);
  indexed.writeUInt32LE(54 + palette.length, 10);
  return [
    ...encoded,
    Buffer.concat([
      jpeg.subarray(0, 2),
      jpegSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), EXIF])),
      jpeg.subarray(2),
      jpeg,
    ]),
    Buffer.concat([
      png!.subarray(0, 33),
      pngChunk('eXIf', EXIF),
      pngChunk('acTL', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])),
      png!.subarray(33),
    ]),
    riffChunk('RIFF', Buffer.concat([Buffer.from('WEBP'), riffChunk('VP8X', canvas), webp!.subarray(12), riffChunk('EXIF', EXIF)])),
    bmpFile(9, 7, Buffer.alloc(28 * 7, 90)),
    bmpFile(9, 7, Buffer.alloc(28 * 7, 90)).subarray(14),
    indexed,
    gifFile(2, 2),
  ];
}

/** One damaged, the front of one and the back of another, or one within another. */
function damaged(random: Random): Buffer {
  const [one, other] = [random.pick(sources), random.pick(sources)];
  const [at, from] = [random.below(one.length), random.below(other.length)];
  switch (random.below(10)) {
    case 0:
      return Buffer.concat([one.subarray(0, at), other.subarray(from)]);
    case 1:
      return mutated(Buffer.concat([one.subarray(0, at), other.subarray(0, from), one.subarray(at)]), random);
    default:
      return mutated(one, random);
  }
}

function handedIn(bytes: Buffer, random: Random, number: number): unknown {
  const parts = () => [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];
  switch (random.below(20)) {
    case 0:
      return new Blob([bytes]);
    case 1:
      return new Response(bytes);
    case 2:
      return ReadableStream.from(parts());
    case 3:
      return Readable.from(parts());
    case 4:
      return `data:image/png;base64,${bytes.toString('base64')}`;
    case 5: {
      const file = path.join(folder, `${number % 8}.jpg`);
      writeFileSync(file, bytes);
      return file;
    }
    case 6:
      return bytes.toString('latin1').slice(0, 4000);
    default:
      return bytes;
  }
}

function randomOptions(random: Random): DecodeOptions {
  const options: DecodeOptions = { maxPixels: random.chance(0.02) ? 178_956_970 : 2_000_000 };
  if (random.chance(0.3)) options.orientation = 'exif';
  if (random.chance(0.3)) options.background = '#08f';
  if (random.chance(0.3)) options.truncated = 'best-effort';
  if (random.chance(0.05)) options.signal = AbortSignal.timeout(random.below(20));
  return options;
}

async function attempt(random: Random, number: number): Promise<void> {
  const bytes = damaged(random);
  const input = handedIn(bytes, random, number);
  const options = randomOptions(random);
  const { value: image } = await outcome(() => decodeImage(input as Buffer, options));
  if (!image) return;
  image.release();
  const { width, height } = sniff(bytes)!.readHeader(Buffer.from(bytes));
  expect([image.width, image.height].sort()).toEqual([width, height].sort());
  expect(image.data.length).toBe(3 * width * height);
}

beforeAll(async () => {
  sources = await makeSources();
});

afterAll(async () => {
  delete process.env.TORCH_INTERROGATOR_DECODER;
  await closeDecodeThreads();
  removeFolder(folder);
});

test.each(['sharp', 'jimp'])(
  'with %s a damaged image is an image or a typed error, and nothing is printed',
  async (decoder) => {
    process.env.TORCH_INTERROGATOR_DECODER = decoder;
    const printed = jest.spyOn(process.stdout, 'write');
    await fuzz(`images-${decoder}`, { seconds: 8, least: 100 }, attempt);
    const texts = printed.mock.calls.map(([text]) => String(text));
    printed.mockRestore();
    expect(texts).toEqual([]);
    // What was given up is finished all the same.
    for (let turn = 0; turn < 500 && decodeStats().running > 0; turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(decodeStats()).toEqual({ running: 0, waiting: 0, pixels: 0 });
  },
  3_600_000,
);
