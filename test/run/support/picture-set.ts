/** Sets of pictures as people have them: all formats, nested folders, some broken, some twice. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { Random } from '../../fuzz/support/random';
import { testImage } from '../../support/images';

export interface PictureSet {
  /** Names below the folder. */
  good: string[];
  /** With the code of what is wrong with each. */
  broken: Map<string, string>;
  /** Pictures among the good whose content another one has. */
  duplicates: string[];
}

const FORMATS = ['jpg', 'png', 'webp', 'gif', 'bmp', 'tiff', 'avif'] as const;
type Format = (typeof FORMATS)[number];

/** The same set for the same seed. About 3 % are broken, each in another way, and 5 % are copies. AVIF takes long to make: few are. */
export async function makePictureSet(folder: string, count: number, seed = 1): Promise<PictureSet> {
  const random = new Random(seed);
  const set: PictureSet = { good: [], broken: new Map(), duplicates: [] };
  const broken = Math.round(count * 0.03);
  const copies = Math.round(count * 0.05);
  for (let i = 0; i < count; i += 1) {
    const below = placeOf(i);
    mkdirSync(path.join(folder, path.dirname(below)), { recursive: true });
    if (i < count - broken - copies) {
      const format = i % 200 === 7 ? 'avif' : (FORMATS[i % 6] as Format);
      const name = `${below}.${format}`;
      writeFileSync(path.join(folder, name), await encoded(seed * 100_000 + i, format));
      set.good.push(name);
    } else if (i < count - broken) {
      const original = random.pick(set.good.slice(0, count - broken - copies));
      const name = `${below} copy${path.extname(original)}`;
      copyFileSync(path.join(folder, original), path.join(folder, name));
      set.good.push(name);
      set.duplicates.push(name);
    } else {
      const [suffix, code, make] = BREAKS[i % BREAKS.length] as (typeof BREAKS)[number];
      const name = `${below} broken${suffix}`;
      await make(path.join(folder, name), seed * 100_000 + i);
      set.broken.set(name, code);
    }
  }
  return set;
}

/** Folders within folders, with blanks, other scripts, and numbers that sort by their value. */
function placeOf(i: number): string {
  const folders = ['', 'first', 'first/second level', 'Übung', 'first/写真', '10', '9', 'a/b/c/d'];
  return path.join(folders[i % folders.length] as string, `picture ${i}`);
}

export async function encoded(seed: number, format: Format): Promise<Buffer> {
  const { data, width, height } = testImage(seed, 40 + (seed % 41), 40 + (seed % 29));
  if (format === 'bmp') return bitmap(data, width, height);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  if (format === 'avif') return await image.avif({ effort: 0 }).toBuffer();
  return await image[format === 'jpg' ? 'jpeg' : format]().toBuffer();
}

/** Uncompressed, 24 bits, from the bottom up. */
function bitmap(rgb: Uint8Array, width: number, height: number): Buffer {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM', 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 3;
      const to = 54 + (height - 1 - y) * stride + x * 3;
      for (let channel = 0; channel < 3; channel += 1) file[to + channel] = rgb[from + 2 - channel] as number;
    }
  }
  return file;
}

/** A suffix, the code that it must come to, and what makes the file. */
const BREAKS: readonly [string, string, (file: string, seed: number) => Promise<void> | void][] = [
  ['.jpg', 'ERR_IMAGE_EMPTY', (file) => writeFileSync(file, '')],
  ['.png', 'ERR_IMAGE_FORMAT', (file, seed) => writeFileSync(file, `This is no picture, but text ${seed}.`)],
  ['.jpg', 'ERR_IMAGE_TRUNCATED', async (file, seed) => writeFileSync(file, cut(await encoded(seed, 'jpg')))],
  ['.png', 'ERR_IMAGE_TRUNCATED', async (file, seed) => writeFileSync(file, cut(await encoded(seed, 'png')))],
  ['.gif', 'ERR_IMAGE_TRUNCATED', async (file, seed) => writeFileSync(file, cut(await encoded(seed, 'gif')))],
  ['.webp', 'ERR_IMAGE_TRUNCATED', async (file, seed) => writeFileSync(file, cut(await encoded(seed, 'webp')))],
  ['.png', 'ERR_IMAGE_CORRUPT', async (file, seed) => writeFileSync(file, spoilt(await encoded(seed, 'png')))],
  ['.png', 'ERR_IMAGE_SIZE', async (file, seed) => writeFileSync(file, huge(await encoded(seed, 'png')))],
  ['.jpg', 'ERR_IMAGE_NOT_FOUND', (file) => symlinkSync('nowhere.jpg', file)],
];

const cut = (bytes: Buffer): Buffer => bytes.subarray(0, Math.floor(bytes.length * 0.6));

/** The first of the compressed bytes say that they are compressed in a way that does not exist. */
function spoilt(png: Buffer): Buffer {
  const at = png.indexOf('IDAT') + 4;
  return Buffer.concat([png.subarray(0, at), Buffer.from([0xff, 0xff, 0xff, 0xff]), png.subarray(at + 4)]);
}

/** A header that claims 100,000 × 100,000 pixels. */
function huge(png: Buffer): Buffer {
  const copy = Buffer.from(png);
  copy.writeUInt32BE(100_000, 16);
  copy.writeUInt32BE(100_000, 20);
  copy.writeUInt32BE(crc32(copy.subarray(12, 29)), 29);
  return copy;
}
