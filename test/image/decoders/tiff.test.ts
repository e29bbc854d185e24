import { deflateSync } from 'node:zlib';
import { closeDecodeThreads, decodeImage } from '../../../lib/image';
import { outcome } from '../../fuzz/support/fuzz';
import { Random } from '../../fuzz/support/random';
import { type TiffTag, tiffFile, tiffSize } from '../assemble';

const [WIDTH, HEIGHT, SIDE] = [100, 90, 32];
const PIXELS = new Random(9, 0).bytes(WIDTH * HEIGHT);

afterEach(() => {
  delete process.env.TORCH_INTERROGATOR_DECODER;
});
afterAll(closeDecodeThreads);

/** Noise has no runs: literals alone. */
function packBits(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 128) {
    const literal = bytes.subarray(at, at + 128);
    parts.push(Buffer.from([literal.length - 1]), literal);
  }
  return Buffer.concat(parts);
}

const COMPRESSIONS: Record<string, [tag: number, pack: (bytes: Buffer) => Buffer]> = {
  raw: [1, (bytes) => bytes],
  deflate: [8, (bytes) => deflateSync(bytes)],
  PackBits: [32773, packBits],
};

/** The columns and rows of a part of the image; beyond its edges they are zeros. */
function part(left: number, top: number, columns: number, rows: number): Buffer {
  const out = Buffer.alloc(columns * rows);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) if (left + x < WIDTH && top + y < HEIGHT) out[y * columns + x] = PIXELS[(top + y) * WIDTH + left + x] as number;
  }
  return out;
} // biome-ignore format: a loop

/** One channel, its directory first, and where the parts' bytes start. */
function file(compression: string, isTiled: boolean, change: (parts: Buffer[]) => Buffer[] = (parts) => parts): [Buffer, number] {
  const [tag, pack] = COMPRESSIONS[compression] as (typeof COMPRESSIONS)[string];
  const raw: Buffer[] = [];
  if (isTiled) {
    for (let top = 0; top < HEIGHT; top += SIDE) for (let left = 0; left < WIDTH; left += SIDE) raw.push(part(left, top, SIDE, SIDE));
  } else {
    for (let top = 0; top < HEIGHT; top += SIDE) raw.push(part(0, top, WIDTH, Math.min(SIDE, HEIGHT - top)));
  }
  const parts = change(raw.map(pack));
  const own: TiffTag[] = isTiled
    ? [{ tag: 322, value: SIDE }, { tag: 323, value: SIDE }]
    : [{ tag: 278, value: SIDE }]; // biome-ignore format: a table
  const tags = (lists: number): TiffTag[] => {
    const [offsets, lengths] = isTiled ? [324, 325] : [273, 279];
    const places = { tag: offsets, count: parts.length, value: lists };
    const sizes = { tag: lengths, count: parts.length, value: lists + 4 * parts.length };
    const base = [...tiffSize(WIDTH, HEIGHT), { tag: 258, value: 8 }, { tag: 259, value: tag }, { tag: 262, value: 1 }];
    return [...base, places, { tag: 277, value: 1 }, sizes, ...own].sort((a, b) => a.tag - b.tag);
  };
  const lists = tiffFile(tags(0)).length;
  let at = lists + 8 * parts.length;
  const start = at;
  const words = Buffer.alloc(8 * parts.length);
  for (const [index, { length }] of parts.entries()) {
    words.writeUInt32LE(at, 4 * index);
    words.writeUInt32LE(length, 4 * (parts.length + index));
    at += length;
  }
  return [tiffFile(tags(lists), Buffer.concat([words, ...parts])), start];
}

const kinds = ['sharp', 'jimp'].flatMap((decoder) =>
  Object.keys(COMPRESSIONS).flatMap((compression) => [true, false].map((isTiled) => ({ decoder, compression, isTiled }))),
);

test.each(kinds)('%j: all pixels, or an error', async ({ decoder, compression, isTiled }) => {
  process.env.TORCH_INTERROGATOR_DECODER = decoder;
  const [whole, start] = file(compression, isTiled);
  const image = await decodeImage(whole);
  image.release();
  expect(Buffer.from(image.data.filter((_, at) => at % 3 === 1)).equals(PIXELS)).toBe(true);

  const random = new Random(10, whole.length);
  const cuts = Array.from({ length: 12 }, () => start + random.below(whole.length - start));
  for (const end of [...cuts, whole.length - 1, start]) {
    expect([end, await outcome(() => decodeImage(whole.subarray(0, end)))]).toEqual([
      end,
      expect.objectContaining({ code: 'ERR_IMAGE_TRUNCATED' }),
    ]);
  }
});

test.each(kinds)('%j: a part that is too short, or not there', async ({ decoder, compression, isTiled }) => {
  process.env.TORCH_INTERROGATOR_DECODER = decoder;
  const pack = COMPRESSIONS[compression]?.[1] as (bytes: Buffer) => Buffer;
  const rows = part(0, 0, isTiled ? SIDE : WIDTH, 5);
  const changes = [
    (parts: Buffer[]) => parts.slice(0, -1),
    (parts: Buffer[]) => parts.slice(0, 1),
    (parts: Buffer[]) => [pack(rows), ...parts.slice(1)],
    (parts: Buffer[]) => [...parts.slice(0, 1), pack(rows), ...parts.slice(2)],
  ];
  // Of raw tiles the size is known: libtiff and Pillow read it whole, whatever length the file names.
  const isKnown = compression === 'raw' && isTiled && decoder === 'sharp';
  for (const change of isKnown ? changes.slice(0, 2) : changes) {
    const [short] = file(compression, isTiled, change);
    const { code = 'decoded' } = await outcome(() => decodeImage(short));
    expect([String(change), code]).toEqual([String(change), expect.stringMatching(/ERR_IMAGE_(?:TRUNCATED|CORRUPT)/)]);
  }
});

test('sound and damaged ones at the same time are each what they are', async () => {
  const [sound] = file('deflate', true);
  const damaged = Buffer.from(sound);
  damaged.fill(0x55, damaged.length - 400);
  const [unlisted] = file('raw', false, (parts) => [Buffer.concat(parts)]);
  const entry = (tag: number): number => unlisted.indexOf(Buffer.from([tag & 255, tag >> 8, 4, 0]));
  // One strip, without its length: libtiff warns of that.
  unlisted.writeUInt32LE(HEIGHT, entry(278) + 8);
  unlisted.writeUInt16LE(65_000, entry(279));
  const sorts = [sound, damaged, unlisted];
  const outcomes = sorts.map(() => new Set<string>());
  const decodes = Array.from({ length: 240 }, async (_, i) => {
    const { value, code = 'decoded' } = await outcome(() => decodeImage(sorts[i % 3] as Buffer));
    value?.release();
    outcomes[i % 3]?.add(code);
  });
  await Promise.all(decodes);
  expect(outcomes.map((each) => [...each])).toEqual([['decoded'], ['ERR_IMAGE_CORRUPT'], ['decoded']]);
});

test.each(['sharp', 'jimp'])('%s: a colour map that is cut off is missed', async (decoder) => {
  process.env.TORCH_INTERROGATOR_DECODER = decoder;
  const tags = (map: number): TiffTag[] => [
    ...tiffSize(20, 20), { tag: 258, value: 8 }, { tag: 259, value: 1 }, { tag: 262, value: 3 }, { tag: 273, value: map - 400 },
    { tag: 277, value: 1 }, { tag: 278, value: 20 }, { tag: 279, value: 400 }, { tag: 320, type: 3, count: 768, value: map },
  ]; // biome-ignore format: a table
  const map = tiffFile(tags(400)).length + 400;
  const whole = tiffFile(tags(map), Buffer.concat([Buffer.alloc(400, 7), new Random(11, 0).bytes(1536)]));
  (await decodeImage(whole)).release();
  for (const missing of [1, 2, 500, 1535, 1536]) {
    expect(await outcome(() => decodeImage(whole.subarray(0, -missing)))).toMatchObject({ code: 'ERR_IMAGE_TRUNCATED' });
  }
});

test.each(['sharp', 'jimp'])('%s: what no decoder here converts is refused, not shown in wrong colours', async (decoder) => {
  process.env.TORCH_INTERROGATOR_DECODER = decoder;
  for (const compression of [1, 5, 8, 32773]) {
    const tags = [
      ...tiffSize(4, 4), { tag: 258, value: 8 }, { tag: 259, value: compression }, { tag: 262, value: 6 }, { tag: 273, value: 122 },
      { tag: 277, value: 3 }, { tag: 278, value: 4 }, { tag: 279, value: 48 },
    ]; // biome-ignore format: a table
    const found = await outcome(() => decodeImage(tiffFile(tags, Buffer.alloc(48))));
    expect(found).toEqual({ code: 'ERR_IMAGE_CORRUPT', message: expect.stringMatching(/YCbCr without JPEG/) });
  }
});
