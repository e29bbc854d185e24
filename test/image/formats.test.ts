import { FORMATS, IMAGE_SUFFIXES, sniff } from '../../lib/image/formats';
import { Random } from '../fuzz/support/random';
import { readsOf } from '../support/counted-reads';
import {
  avifFile,
  avifSize,
  bmpFile,
  box,
  gifFile,
  JFIF,
  JPEG_SCAN,
  jpegFile,
  jpegFrame,
  jpegSegment,
  pngChunk,
  pngFile,
  pngPixels,
  pngSize,
  riffChunk,
  START_OF_IMAGE,
  tiffFile,
  tiffSize,
  webpCanvas,
  webpFile,
  webpLossless,
} from './assemble';

function sizeOf(bytes: Buffer): string {
  const format = sniff(bytes);
  if (!format) return 'unknown';
  try {
    const { width, height } = format.readHeader(bytes);
    return `${width}x${height}`;
  } catch (error) {
    return (error as { kind?: string }).kind ?? `untyped: ${error}`;
  }
}

test('every suffix whose format is read is looked for in folders', () => {
  const expected = '.jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .avif'.split(' ');
  expect([...IMAGE_SUFFIXES].sort()).toEqual(expected.sort());
});

test('a format is known by its content', () => {
  const files = {
    jpeg: jpegFile(JFIF, jpegFrame(3, 4)),
    png: pngFile(pngSize(3, 4), pngPixels(3, 4)),
    webp: webpFile(webpLossless(3, 4)),
    gif: gifFile(3, 4),
    bmp: bmpFile(3, 4, Buffer.alloc(48)),
    tiff: tiffFile(tiffSize(3, 4)),
    avif: avifFile([avifSize(3, 4)]),
  };
  expect(Object.keys(files).sort()).toEqual(Object.keys(FORMATS).sort());
  for (const [name, bytes] of Object.entries(files)) {
    expect([sniff(bytes)?.name, sizeOf(bytes)]).toEqual([name, '3x4']);
  }
});

describe('the size is the one that decoders use', () => {
  /** Before a frame header, what libjpeg passes over; it must neither hide the header nor stand in for it. */
  function strays(random: Random): Buffer {
    const hidden = jpegFrame(random.between(1, 50), random.between(1, 50));
    return random.pick([
      () => Buffer.alloc(0),
      () => Buffer.concat([Buffer.alloc(random.between(1, 300), 0xff), JFIF]),
      () => Buffer.from([0xff, 0, 0xff, 0]),
      () => Buffer.from([0xff, random.between(0xd0, 0xd7)]),
      () => Buffer.from([0xff, 0x01]),
      () => random.bytes(random.between(1, 30)).map((byte) => byte & 0x7f) as Buffer,
      () => jpegSegment(random.between(0xe0, 0xef), hidden),
      () => jpegSegment(0xfe, hidden),
      () => jpegSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), START_OF_IMAGE, hidden, JPEG_SCAN])),
      () => jpegSegment(0xe2, Buffer.concat([Buffer.from('MPF\0', 'latin1'), hidden])),
      () => jpegSegment(random.between(0xe0, 0xef), Buffer.alloc(random.between(0, 65_000), 0xff)),
      () => jpegSegment(random.between(0xe0, 0xef), Buffer.alloc(random.between(0, 65_000))),
    ])();
  }

  test('of a JPEG, whatever comes before its frame', () => {
    for (let number = 0; number < 500; number += 1) {
      const random = new Random(1, number);
      const before = Array.from({ length: random.between(0, 5) }, () => strays(random));
      const after = Array.from({ length: random.between(0, 3) }, () => strays(random));
      const [width, height] = [random.between(100, 65_535), random.between(100, 65_535)];
      const marker = random.pick([0xc0, 0xc1, 0xc2, 0xc9, 0xca]);
      const file = jpegFile(JFIF, ...before, jpegFrame(width, height, marker), ...after);
      expect([number, sizeOf(file)]).toEqual([number, `${width}x${height}`]);
    }
  });

  test.each<[string, (first: Buffer[], second: Buffer[]) => Buffer, (size: number) => Buffer]>([
    ['JPEG', (first, second) => jpegFile(...first, ...second), (size) => jpegFrame(size, size)],
    ['PNG', (first, second) => pngFile(...first, pngPixels(5, 5), ...second), (size) => pngSize(size, size)],
    ['WebP', (first, second) => webpFile(...first, ...second, webpLossless(5, 5)), (size) => webpCanvas(size, size)],
    ['AVIF', (first, second) => avifFile([...first, ...second]), (size) => avifSize(size, size)],
  ])('of a %s that tells two, none: it is refused', (_kind, file, header) => {
    for (let number = 0; number < 50; number += 1) {
      const random = new Random(2, number);
      const [small, large] = [header(5), header(random.between(6, 16_000))];
      const [first, second] = random.chance(0.5) ? [small, large] : [large, small];
      expect(sizeOf(file([first], [second]))).toBe('corrupt');
    }
  });

  test('of a WebP, its canvas must be that of its frame', () => {
    expect(sizeOf(webpFile(webpCanvas(7, 9), webpLossless(7, 9)))).toBe('7x9');
    for (const [width, height] of [
      [7, 10],
      [8, 9],
      [16_000, 16_000],
    ] as const) {
      // biome-ignore format: a table
      expect(sizeOf(webpFile(webpCanvas(7, 9), webpLossless(width, height)))).toBe('corrupt');
      expect(sizeOf(webpFile(webpCanvas(width, height), webpLossless(7, 9)))).toBe('corrupt');
    }
    expect(sizeOf(webpFile(riffChunk('ICCP', Buffer.alloc(9)), webpCanvas(7, 9), webpLossless(7, 9)))).toBe('corrupt');
  });

  test('of a PNG, the first chunk tells it', () => {
    const comment = pngChunk('tEXt', Buffer.from('Comment\0x'));
    expect(sizeOf(pngFile(comment, pngSize(3, 3), pngPixels(3, 3)))).toBe('corrupt');
    expect(sizeOf(pngFile(pngSize(3, 3), comment, pngPixels(3, 3)))).toBe('3x3');
  });

  test('of a TIFF with the same tag twice, if both say the same', () => {
    expect(sizeOf(tiffFile([...tiffSize(3, 4), { tag: 256, value: 3 }]))).toBe('3x4');
    expect(sizeOf(tiffFile([...tiffSize(3, 4), { tag: 256, value: 30_000 }]))).toBe('corrupt');
    expect(sizeOf(tiffFile([{ tag: 257, value: 40_000 }, ...tiffSize(3, 4)]))).toBe('corrupt');
    expect(
      sizeOf(
        tiffFile([
          { tag: 256, value: 10, count: 100 },
          { tag: 257, value: 4 },
        ]),
      ),
    ).toMatch(/corrupt|truncated/);
  });
});

describe('of a file of any length, a bounded part is read for its header', () => {
  const CORE = [...tiffSize(10, 10)];
  const LONG_EXIF = tiffFile(Array.from({ length: 5000 }, (_, tag) => ({ tag: tag + 300, value: 8 })));
  const ONE_BYTE_BLOCKS = Buffer.from('\x01\0'.repeat(512), 'latin1');

  function filled(pattern: Buffer, length: number): Buffer {
    return Buffer.alloc(length, pattern);
  }

  const shapes: Record<string, (length: number) => Buffer> = {
    'a JPEG of zeros': (n) => Buffer.concat([START_OF_IMAGE, Buffer.from([0xff, 0xe0]), Buffer.alloc(n)]),
    'a JPEG of fill bytes': (n) => Buffer.concat([START_OF_IMAGE, Buffer.alloc(n, 0xff)]),
    'a JPEG of stuffed zeros': (n) => Buffer.concat([START_OF_IMAGE, Buffer.from([0xff]), filled(Buffer.from([0xff, 0]), n)]),
    'a JPEG of restarts': (n) => Buffer.concat([START_OF_IMAGE, filled(Buffer.from([0xff, 0xd0]), n)]),
    'a JPEG of empty segments': (n) => Buffer.concat([START_OF_IMAGE, filled(Buffer.from([0xff, 0xe3, 0, 2]), n)]),
    'a JPEG of strays': (n) => Buffer.concat([START_OF_IMAGE, Buffer.from([0xff]), filled(Buffer.from([0xff, 0xd0, 1, 1, 1]), n)]),
    'a PNG of empty chunks': (n) => pngFile(pngSize(10, 10), filled(pngChunk('tEXt', Buffer.alloc(0)), n)),
    'a WebP of empty chunks': (n) => webpFile(webpCanvas(10, 10), filled(riffChunk('XMP ', Buffer.alloc(0)), n)),
    'a PNG of many EXIF blocks': (n) => pngFile(pngSize(10, 10), filled(pngChunk('eXIf', LONG_EXIF), n)),
    'a WebP of many EXIF blocks': (n) => webpFile(webpCanvas(10, 10), filled(riffChunk('EXIF', LONG_EXIF), n)),
    'a JPEG of many EXIF blocks': (n) => Buffer.concat([START_OF_IMAGE, filled(jpegSegment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), LONG_EXIF])), n)]),
    'a TIFF of many tags': (n) => tiffFile([...CORE, ...Array.from({ length: Math.min(65_000, n / 12) }, (_, tag) => ({ tag: tag + 300, value: 8 }))]),
    'a GIF of tiny blocks': (n) => gifFile(10, 10, Buffer.from([0x21, 0xfe, 5, 1, 1, 1, 1, 1]), filled(ONE_BYTE_BLOCKS.subarray(0, 2), n)),
    'a GIF of bytes between blocks': (n) => gifFile(10, 10, Buffer.alloc(n, 1)),
    'a TIFF with a long list of sizes': (n) =>
      tiffFile([{ tag: 256, value: 10, count: n >> 2 }, { tag: 257, value: 10, count: n >> 2 }], Buffer.alloc(n)),
    'a TIFF whose every tag is a long list': (n) =>
      tiffFile([...CORE, ...Array.from({ length: Math.min(65_000, n / 24) }, (_, tag) => ({ tag: tag + 300, value: 8, count: n >> 3 }))], Buffer.alloc(n)),
    'an AVIF of empty boxes': (n) => Buffer.concat([avifFile([]).subarray(0, 24), filled(box('free'), n)]),
    'an AVIF with many properties': (n) => avifFile([filled(box('free'), n), avifSize(10, 10)], [1]),
    'an AVIF with many associations': (n) =>
      Buffer.concat([
        avifFile([]).subarray(0, 24),
        box('meta', Buffer.alloc(4), box('iprp', box('ipma', Buffer.from([0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(n)))),
      ]),
  }; // biome-ignore format: a table

  const ends: Record<string, (length: number) => Buffer> = {
    'a JPEG of zeros': (n) => Buffer.concat([jpegFile(JFIF, jpegFrame(9, 9)).subarray(0, -2), Buffer.alloc(n)]),
    'a JPEG of half end markers': (n) => Buffer.concat([jpegFile(JFIF, jpegFrame(9, 9)).subarray(0, -2), Buffer.alloc(n, 0xd9)]),
    'a JPEG of half markers': (n) => Buffer.concat([jpegFile(JFIF, jpegFrame(9, 9)).subarray(0, -2), Buffer.alloc(n, 0xff)]),
    'a GIF of tiny blocks': (n) => Buffer.concat([gifFile(9, 9).subarray(0, -6), Buffer.alloc(n, Buffer.from([1, 7]))]),
    'a TIFF of many strips': (n) =>
      tiffFile([...tiffSize(9, 9), { tag: 273, value: 99, count: n >> 3 }, { tag: 279, value: 99, count: n >> 3 }], Buffer.alloc(n)),
    'an AVIF of empty boxes': (n) => Buffer.concat([avifFile([avifSize(9, 9)]), filled(box('free'), n)]),
  }; // biome-ignore format: a table

  test.each(Object.entries(ends))('whether the end is missing is found in one walk: %s', (_name, make) => {
    const [short, long] = [1 << 16, 1 << 19].map((length) => {
      const file = make(length);
      const header = sniff(file)!.readHeader(file);
      expect(typeof header.isTruncated()).toBe('boolean');
      return readsOf(file, (counted) => sniff(counted)!.readHeader(counted).isTruncated());
    }) as [number, number];
    // Eight times the length would take 64 times as many where parts were walked through again and again.
    expect(long).toBeLessThanOrEqual(9 * short);
  });

  test.each(Object.entries(shapes))('%s', (_name, make) => {
    for (const length of [1 << 12, 1 << 18, 1 << 25]) {
      const file = make(length);
      expect(sizeOf(file)).toMatch(/^(?:corrupt|truncated|10x10)$/);
      expect(readsOf(file, (counted) => sizeOf(counted))).toBeLessThan(1 << 20);
    }
  });
});
