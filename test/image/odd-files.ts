/** Sound images with what real files have and no encoder here writes: strays, wrong checksums, cut ends, bytes behind the end. */
import zlib from 'node:zlib';
import sharp from 'sharp';
import type { Random } from '../fuzz/support/random';
import { testImage } from '../support/images';
import { bmpFile, END_OF_IMAGE, jpegSegment, pngChunk, riffChunk, START_OF_IMAGE, type TiffTag, tiffFile } from './assemble';

/** A file's name and its bytes. */
export type OddFile = [name: string, bytes: Buffer];

const { data, width, height } = testImage(5, 61, 47);
const raw = { width, height, channels: 3 } as const;
const image = () => sharp(data, { raw });

function behindTheEnd(random: Random): Buffer {
  return random.pick([Buffer.alloc(0), random.bytes(random.between(1, 9)), Buffer.alloc(random.between(1, 70_000), random.below(256))]);
}

/** `make` for each number; its random numbers are those of that number alone. */
function several(count: number, name: string, random: (number: number) => Random, make: (random: Random) => Buffer): OddFile[] {
  return Array.from({ length: count }, (_, number) => {
    const [stem, suffix] = name.split('.');
    return [`${stem}-${number}.${suffix}`, make(random(number))];
  });
}

function jpegParts(file: Buffer): { segments: Buffer[]; scan: Buffer } {
  const segments: Buffer[] = [];
  let at = 2;
  for (let marker = 0; marker !== 0xda; ) {
    marker = file[at + 1] as number;
    const end = at + 2 + file.readUInt16BE(at + 2);
    segments.push(file.subarray(at, end));
    at = end;
  }
  return { segments, scan: file.subarray(at, -2) };
}

function oddJpeg(file: Buffer, random: Random): Buffer {
  const { segments, scan } = jpegParts(file);
  const strays = () =>
    random.pick([
      () => Buffer.alloc(0),
      () => Buffer.alloc(random.between(1, 700), 0xff),
      () => random.bytes(random.between(1, 40)).map((byte) => byte & 0x7f) as Buffer,
      () => Buffer.from([0xff, 0, 0xff, 0]),
      () => Buffer.from([0xff, random.between(0xd0, 0xd7)]),
      () => jpegSegment(random.between(0xe2, 0xed), random.bytes(random.between(0, 90))),
      () => jpegSegment(0xfe, Buffer.concat([START_OF_IMAGE, random.bytes(30), END_OF_IMAGE])),
      () => jpegSegment(0xe1, Buffer.from('Exif\0\0not a TIFF', 'latin1')),
    ])();
  const [first, ...others] = segments as [Buffer, ...Buffer[]];
  const end = random.pick([
    END_OF_IMAGE,
    END_OF_IMAGE,
    Buffer.concat([Buffer.alloc(random.between(1, 9), 0xff), END_OF_IMAGE]),
    Buffer.alloc(0),
  ]);
  const rest = end.length > 0 ? behindTheEnd(random) : Buffer.alloc(0);
  return Buffer.concat([START_OF_IMAGE, first, ...others.flatMap((segment) => [strays(), segment]), scan, end, rest]);
}

/** A scan that lost its last bytes, or a bit of which is wrong: libjpeg goes on with a warning. */
function hurtJpeg(file: Buffer, random: Random): Buffer {
  const { segments, scan } = jpegParts(file);
  const hurt = Buffer.from(scan.subarray(0, scan.length - (random.chance(0.5) ? random.between(1, 60) : 0)));
  const at = random.below(hurt.length);
  if (random.chance(0.5)) hurt[at] = (hurt[at] as number) ^ (1 << random.below(8));
  return Buffer.concat([START_OF_IMAGE, ...segments, hurt, END_OF_IMAGE]);
}

function oddPng(file: Buffer, random: Random): Buffer {
  const chunks: { type: string; body: Buffer }[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    chunks.push({ type: file.toString('latin1', at + 4, at + 8), body: file.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  const wrong = (chunk: Buffer) => {
    chunk.writeUInt32BE((chunk.readUInt32BE(chunk.length - 4) ^ (1 << random.below(31))) >>> 0, chunk.length - 4);
    return chunk;
  };
  const pixels = Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ body }) => body));
  const rows = zlib.inflateSync(pixels);
  const streams = random.pick([
    () => [pixels],
    () => Array.from(pixels.subarray(0, 20), (byte) => Buffer.from([byte])).concat(pixels.subarray(20)),
    () => [Buffer.alloc(0), pixels, Buffer.alloc(0)],
    () => [Buffer.concat([pixels, random.bytes(9)])],
    () => [pixels, random.bytes(9)],
    () => [zlib.deflateSync(Buffer.concat([rows, Buffer.alloc(random.between(1, 900))]))],
    () => [zlib.deflateSync(rows, { level: random.below(10) })],
  ])();
  const idats = streams.map((body) => (random.chance(0.3) ? wrong(pngChunk('IDAT', body)) : pngChunk('IDAT', body)));
  const extra = () =>
    random.pick([
      pngChunk('tEXt', Buffer.from('Comment\0hello')),
      pngChunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f])),
      pngChunk('iCCP', Buffer.from('icc\0\0not deflated')),
      pngChunk('zTXt', Buffer.from('Comment\0\0not deflated')),
      pngChunk('tIME', random.bytes(3)),
      pngChunk('sRGB', Buffer.from([9])),
      pngChunk('cHRM', Buffer.alloc(32)),
      pngChunk('eXIf', random.bytes(20)),
      pngChunk('prVt', random.bytes(random.below(90))),
    ]);
  const head = chunks
    .slice(
      0,
      chunks.findIndex(({ type }) => type === 'IDAT'),
    )
    .map(({ type, body }) => pngChunk(type, body));
  const before = Array.from({ length: random.below(3) }, extra);
  const after = Array.from({ length: random.below(3) }, () => (random.chance(0.5) ? wrong(extra()) : extra()));
  const end = pngChunk('IEND', Buffer.alloc(0));
  const tail = random.pick([[end, behindTheEnd(random)], [end.subarray(0, random.below(12))], [wrong(end)], []]);
  return Buffer.concat([file.subarray(0, 8), ...head, ...before, ...idats, ...after, ...tail]);
}

function oddWebp(file: Buffer, random: Random): Buffer {
  const extra = () => riffChunk(random.pick(['EXIF', 'XMP ', 'junk']), random.bytes(random.below(9)));
  const body = Buffer.concat([file.subarray(8), ...Array.from({ length: random.below(3) }, extra)]);
  return Buffer.concat([riffChunk('RIFF', body), behindTheEnd(random)]);
}

function oddTiff(file: Buffer, random: Random): Buffer {
  const directory = file.readUInt32LE(4);
  const tags: TiffTag[] = Array.from({ length: file.readUInt16LE(directory) }, (_, index) => {
    const at = directory + 2 + 12 * index;
    const [tag, type, count] = [file.readUInt16LE(at), file.readUInt16LE(at + 2), file.readUInt32LE(at + 4)];
    return { tag, type, count, value: file.readUInt32LE(at + 8) };
  });
  const extra = random.pick<TiffTag[]>([
    [],
    [{ tag: 65_000, type: 3, value: 7 }],
    [{ tag: 65_000, type: random.between(14, 999), value: 7 }],
    [{ tag: 65_000, count: 100, value: 0x7fffffff }],
    [{ tag: 65_000, count: 0xffffffff, value: 8 }],
    [{ tag: 65_000, count: 0, value: 8 }],
    [{ tag: 270, type: 2, count: 500, value: 0x7ffffff }],
    [{ tag: 274, type: 3, value: random.below(10) }],
  ]);
  const width = random.pick([3, 4, 8, 9]);
  const all = [...tags.map((tag) => (tag.tag === 256 ? { ...tag, type: width } : tag)), ...extra];
  // The directory moves to the end, where nothing else is moved by what it has more.
  const moved = tiffFile(random.chance(0.3) ? all.reverse() : all).subarray(8);
  moved.writeUInt32LE(random.pick([0, 0, file.length, 0x7fffffff]), moved.length - 4);
  const out = Buffer.concat([file, moved, behindTheEnd(random)]);
  out.writeUInt32LE(file.length, 4);
  return out;
}

function oddGif(file: Buffer, random: Random): Buffer {
  const end = random.pick([file, file.subarray(0, -1), file.subarray(0, -2)]);
  return end === file ? Buffer.concat([file, behindTheEnd(random)]) : end;
}

/** Whatever Pillow decodes of them, sharp can too. `isLossless` leaves out those of which decoders make different pixels. */
export async function oddFiles(random: (number: number) => Random): Promise<OddFile[]> {
  const encode = async (encoded: sharp.Sharp) => encoded.toBuffer();
  const jpegs = [
    await encode(image().jpeg({ quality: 85 })),
    await encode(image().jpeg({ progressive: true, chromaSubsampling: '4:4:4' })),
  ];
  const pngs = await Promise.all(
    [image().png(), image().png({ palette: true }), image().greyscale().png(), image().png({ progressive: true }), image().toColourspace('rgb16').png()].map(encode),
  ); // biome-ignore format: a list
  const webps = [await encode(image().webp()), await encode(image().webp({ lossless: true }))];
  const tiffs = await Promise.all(
    (['none', 'lzw', 'deflate', 'packbits'] as const)
      .flatMap((compression) => [image().tiff({ compression }), image().tiff({ compression, tile: true, tileWidth: 16, tileHeight: 16 })])
      .map(encode),
  );
  const gif = await encode(image().gif());
  return [
    ...several(40, 'odd.jpg', random, (each) => oddJpeg(each.pick(jpegs), each)),
    ...several(30, 'hurt.jpg', random, (each) => hurtJpeg(each.pick(jpegs), each)),
    ...several(60, 'odd.png', random, (each) => oddPng(each.pick(pngs), each)),
    ...several(20, 'odd.webp', random, (each) => oddWebp(each.pick(webps), each)),
    ...several(50, 'odd.tif', random, (each) => oddTiff(each.pick(tiffs), each)),
    ...several(10, 'odd.gif', random, (each) => oddGif(gif, each)),
    ...several(5, 'odd.bmp', random, (each) => Buffer.concat([bmpFile(10, 7, each.bytes(224)), behindTheEnd(each)])),
  ];
}
