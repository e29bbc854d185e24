import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkRawImage, closeDecodeThreads, decodeImage } from '../../lib/image';
import { openInThread } from '../../lib/image/threads/decode-threads';
import { removeFolder, temporaryFolder } from '../tokenizer/reference';
import {
  avifFile,
  avifSize,
  bmpFile,
  gifFile,
  JFIF,
  jpegFile,
  jpegFrame,
  pngFile,
  pngPixels,
  pngSize,
  START_OF_IMAGE,
  tiffFile,
  tiffSize,
  webpCanvas,
  webpFile,
} from './assemble';

const folder = temporaryFolder();
afterAll(async () => {
  await closeDecodeThreads();
  removeFolder(folder);
});

function file(name: string, content: string | Buffer): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

function fails(code: string, message: RegExp) {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

const jpegHeader = (width: number, height: number) => jpegFile(JFIF, jpegFrame(width, height));
const pngHeader = (width: number, height: number) => pngFile(pngSize(width, height), pngPixels(15, 20));
const tiffHeader = (width: number, height: number, compression?: number) =>
  tiffFile([...tiffSize(width, height), ...(compression ? [{ tag: 259, value: compression }] : [])]);

describe.each(['sharp', 'jimp'])('with %s', (decoder) => {
  beforeAll(() => {
    if (decoder === 'jimp') process.env.TORCH_INTERROGATOR_DECODER = 'jimp';
  });
  afterAll(() => {
    delete process.env.TORCH_INTERROGATOR_DECODER;
  });

  test('a missing file is named', async () => {
    const missing = path.join(folder, 'missing.png');
    await expect(decodeImage(missing)).rejects.toEqual(fails('ERR_IMAGE_NOT_FOUND', /missing\.png/));
    await expect(decodeImage('a\0b')).rejects.toEqual(fails('ERR_IMAGE_NOT_FOUND', /There is no file/));
  });

  test('a folder is not an image', async () => {
    mkdirSync(path.join(folder, 'album.png'), { recursive: true });
    await expect(decodeImage(path.join(folder, 'album.png'))).rejects.toEqual(fails('ERR_IMAGE_NOT_FOUND', /is a folder/));
  });

  test('a file without permission is an input error of its own', async () => {
    const secret = file('secret.png', 'x');
    chmodSync(secret, 0);
    const code = process.getuid?.() === 0 ? 'ERR_IMAGE_FORMAT' : 'ERR_IO';
    await expect(decodeImage(secret)).rejects.toEqual(fails(code, /secret\.png/));
  });

  test('a pipe or a device is refused, not waited for', async () => {
    const pipe = path.join(folder, `pipe-${decoder}.png`);
    execFileSync('mkfifo', [pipe]);
    await expect(decodeImage(pipe)).rejects.toEqual(fails('ERR_IO', /pipe-.*\.png is a pipe, a socket or a device/));
    await expect(decodeImage('/dev/zero')).rejects.toEqual(fails('ERR_IO', /a device/));
  });

  test('memory that was handed away is empty', async () => {
    const bytes = new Uint8Array(10);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    await expect(decodeImage(bytes)).rejects.toEqual(fails('ERR_IMAGE_EMPTY', /empty/));
  });

  test('an empty file is told from a damaged one', async () => {
    await expect(decodeImage(file('empty.jpg', ''))).rejects.toEqual(fails('ERR_IMAGE_EMPTY', /empty\.jpg is empty/));
    await expect(decodeImage(Buffer.alloc(0))).rejects.toEqual(fails('ERR_IMAGE_EMPTY', /the image buffer is empty/));
  });

  test.each<[string, string | Buffer, RegExp]>([
    ['text.jpg', 'This is not an image.\n', /text/],
    ['page.png', '<!DOCTYPE html>\n<html><body>404</body></html>', /an HTML page/],
    ['drawing.png', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', /an SVG drawing/],
    ['phone.jpg', '\0\0\0\x18ftypheic\0\0\0\0mif1heic', /a HEIC image/],
    ['paper.jpg', '%PDF-1.7\n', /a PDF document/],
    ['data.jpg', '{"error": "not found"}', /JSON/],
    ['flag.tga', `\0\0\x02${'\0'.repeat(9)}\x40\0\x30\0\x18\0${'colours'.repeat(9)}`, /a TGA image/],
    ['pointer.cur', '\0\0\x02\0\x01\0  \0\0', /a Windows cursor/],
    ['brush.pcx', '\x0a\x05\x01\x08\0\0\0\0', /a PCX image/],
    ['scan.dcm', `${'\0'.repeat(128)}DICM\x02\0`, /a DICOM image/],
    ['clip.emf', `\x01\0\0\0${'\x20'.repeat(36)} EMF`, /a Windows metafile/],
    ['stars.fits', 'SIMPLE  =                    T', /a FITS image/],
    ['logo.svg', '<?xml version="1.0"?>\n<!DOCTYPE svg [ <!ENTITY ns "x"> ]>\n<svg/>', /an SVG drawing/],
    ['prefixed.svg', '<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>', /an SVG drawing/],
    ['noise.jpg', Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8]), /binary data/],
    ['letter.jpg', 'x', /text/],
  ])('%s is told what it looks like', async (name, content, looks) => {
    await expect(decodeImage(file(name, content))).rejects.toEqual(fails('ERR_IMAGE_FORMAT', looks));
  });

  test.each([
    ['JPEG', jpegHeader],
    ['PNG', pngHeader],
    ['BMP', bmpFile],
    ['GIF', gifFile],
    ['TIFF', tiffHeader],
  ])('a %s header of 60,000 × 60,000 or of nothing is refused before it is decoded', async (kind, header) => {
    const before = process.memoryUsage().rss;
    const huge = new RegExp(`${kind} of 60000 × 60000 pixels`);
    await expect(decodeImage(header(60_000, 60_000))).rejects.toEqual(fails('ERR_IMAGE_SIZE', huge));
    await expect(decodeImage(header(0, 0))).rejects.toEqual(fails('ERR_IMAGE_SIZE', /0 × 0/));
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });

  test('a WebP header of 60,000 × 60,000 is refused before it is decoded', async () => {
    await expect(decodeImage(webpFile(webpCanvas(60_000, 60_000)))).rejects.toEqual(fails('ERR_IMAGE_SIZE', /WebP of 60000 × 60000/));
  });

  test('maxPixels is the caller’s to lower', async () => {
    await expect(decodeImage(pngHeader(10, 10), { maxPixels: 99 })).rejects.toEqual(fails('ERR_IMAGE_SIZE', /at most 99 pixels/));
  });

  test.each([
    ['JPEG', Buffer.concat([START_OF_IMAGE, JFIF])],
    ['JPEG', jpegHeader(10, 10).subarray(0, 45)],
    ['PNG', pngHeader(10, 10).subarray(0, 20)],
    ['PNG', pngHeader(10, 10).subarray(0, 44)],
    ['BMP', bmpFile(10, 10).subarray(0, 30)],
    ['BMP', bmpFile(10, 10)],
    ['GIF', gifFile(2, 2).subarray(0, 9)],
    ['GIF', gifFile(2, 2).subarray(0, 30)],
    ['TIFF', tiffHeader(10, 10).subarray(0, 6)],
    ['WebP', webpFile(webpCanvas(10, 10)).subarray(0, 22)],
    ['AVIF', avifFile([avifSize(10, 10)]).subarray(0, 40)],
  ])('a cut %s is truncated, not just damaged', async (kind, bytes) => {
    await expect(decodeImage(bytes)).rejects.toEqual(fails('ERR_IMAGE_TRUNCATED', new RegExp(`truncated ${kind}`)));
  });

  test('a GIF whose codes lead round in a circle is damaged', async () => {
    // Codes clear, 7, 7, 7, 7: the entry that the third one makes is its own prefix.
    const pixels = Buffer.from('\x02\x02\xfc\x7f\0;', 'latin1');
    const circle = Buffer.concat([gifFile(2, 2).subarray(0, 29), pixels]);
    await expect(decodeImage(circle)).rejects.toEqual(fails('ERR_IMAGE_CORRUPT', /damaged GIF.*do not decode/));
  }, 20_000);

  test('a TIFF that is cut inside of its directory is truncated', async () => {
    const whole = tiffHeader(10, 10);
    for (let end = 8; end < 8 + 2 + 12 * 2; end++) {
      await expect(decodeImage(whole.subarray(0, end))).rejects.toEqual(fails('ERR_IMAGE_TRUNCATED', /truncated TIFF/));
    }
  });

  describe('a decode that takes too long', () => {
    const slow = bmpFile(4000, 4000, Buffer.alloc(4000 * 4000 * 3));

    const open = (signal?: AbortSignal) => {
      const request = { name: 'slow.bmp', file: new Uint8Array(slow), maxPixels: 1e9, orientation: 'ignore', truncated: 'error' } as const;
      return openInThread({ ...request, background: undefined, usesSharp: false, target: undefined }, signal);
    };

    test('is ended', async () => {
      using image = await open();
      await expect(image.decode(1)).rejects.toEqual(fails('ERR_IMAGE_CORRUPT', /slow\.bmp is a damaged BMP: .*not come to an end/));
    });

    test('is ended by an abort, and the next image has its turn', async () => {
      const controller = new AbortController();
      using image = await open(controller.signal);
      const decoding = image.decode();
      controller.abort();
      await expect(decoding).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      await expect(decodeImage(gifFile(2, 2))).rejects.toEqual(fails('ERR_IMAGE_CORRUPT', /do not fill/));
    });
  });

  test('a TIFF in a compression that is not known gives no pixels', async () => {
    const zstd = 50000;
    const reason = decoder === 'jimp' ? /compression 50000 can be read with sharp only/ : /TIFF/;
    await expect(decodeImage(tiffHeader(4, 4, zstd))).rejects.toEqual(fails('ERR_IMAGE_CORRUPT', reason));
  });

  test('what follows the end of a PNG is not looked at', async () => {
    for (const rest of [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20, 7), pngHeader(10, 10)]) {
      const image = await decodeImage(Buffer.concat([pngHeader(10, 10), rest]));
      image.release();
      expect([image.width, image.height]).toEqual([10, 10]);
    }
  });

  test('a BMP whose pixels lie beyond any file is black at best', async () => {
    for (const offset of [1000, 2 ** 31, 2 ** 32 - 1]) {
      const far = bmpFile(10, 10, Buffer.alloc(320, 7));
      far.writeUInt32LE(offset, 10);
      await expect(decodeImage(far)).rejects.toEqual(fails('ERR_IMAGE_TRUNCATED', /truncated BMP/));
      const image = await decodeImage(far, { truncated: 'best-effort' });
      image.release();
      expect([image.width, image.height, Math.max(...image.data)]).toEqual([10, 10, 0]);
    }
  });

  test('a damaged PNG is damaged', async () => {
    const damaged = pngHeader(10, 10);
    damaged[29] = (damaged[29] as number) ^ 0xff;
    await expect(decodeImage(damaged)).rejects.toEqual(fails('ERR_IMAGE_CORRUPT', /damaged PNG/));
  });
});

describe('raw pixels', () => {
  const rgb = new Uint8Array([1, 2, 3, 4, 5, 6]);

  test.each<[object, RegExp]>([
    [{ data: rgb, width: 3, height: 1, channels: 3 }, /need 9 bytes, got 6/],
    [{ data: rgb, width: 2.5, height: 1, channels: 3 }, /width must be a whole number/],
    [{ data: rgb, width: 2, height: 0, channels: 3 }, /height must be a whole number/],
    [{ data: rgb, width: 2, height: Number.NaN, channels: 3 }, /height/],
    [{ data: rgb, width: 2, height: 1, channels: 5 }, /channels must be 1, 2, 3 or 4, got 5/],
    [{ data: rgb, width: 2, height: 1 }, /channels/],
    [{ data: [1, 2, 3], width: 1, height: 1, channels: 3 }, /must be a Uint8Array, got a value of type Array/],
    [{ data: new Float32Array(3), width: 1, height: 1, channels: 3 }, /Float32Array/],
  ])('that do not fit are refused: %#', (input, message) => {
    expect(() => checkRawImage(input as never, 9)).toThrow(fails('ERR_INVALID_ARGUMENT', message));
  });

  test('of too many pixels are refused', () => {
    const input = { data: rgb, width: 2, height: 1, channels: 3 as const };
    expect(() => checkRawImage(input, 1)).toThrow(fails('ERR_IMAGE_SIZE', /2 × 1/));
  });
});

test.each([undefined, null, 42, true, '', {}, [], new Date(), new Float32Array(4)])(
  'an input that is no image is refused: %p',
  async (input) => {
    await expect(decodeImage(input as never)).rejects.toEqual(fails('ERR_INVALID_ARGUMENT', /Invalid image/));
  },
);

test('an abort before the start is heard', async () => {
  await expect(decodeImage(pngHeader(1, 1), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});
