/** The worker thread that decodes what sharp does not. Each format's library is loaded when it is first needed. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { parentPort } from 'node:worker_threads';
import { DecodeFailure, type FailureKind, type RgbImage } from '../failure';
import { FORMATS, type FormatName } from '../formats';
import { decodeBmp } from './bmp';
import { decodeGif } from './gif';
import { decodePng } from './png';
import { type DecodeRequest, requireSize } from './request';
import { type DecodedPixels, inksToRgb, upright, withoutAlpha } from './rgb';

// Some decoders print as they like. This thread is theirs alone, and nobody reads it.
// What is not written cannot pile up: the other side does not read these streams, since that would keep its process alive.
process.stdout.write = process.stderr.write = () => true;
globalThis.console = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));

export type DecodeReply = { image: RgbImage; failure?: undefined } | { image?: undefined; failure: { kind: FailureKind; message: string } };

/** Those whose decoders find out themselves whether pixels are missing: all may be there where the file is cut. */
const COUNT_PIXELS: ReadonlySet<FormatName> = new Set(['png', 'gif']);

async function decode(request: DecodeRequest): Promise<RgbImage> {
  const { format, background, orientation, isLenient } = request;
  const bytes = Buffer.from(request.bytes.buffer, request.bytes.byteOffset, request.bytes.byteLength);
  const isTruncated = FORMATS[format].readHeader(bytes).isTruncated();
  if (isTruncated && !isLenient && !COUNT_PIXELS.has(format)) throw new DecodeFailure('truncated', 'the file ends before its pixels do');
  const decoding = request.isCmyk ? decodeCmyk(request) : decodeFormat(bytes, request);
  const pixels = await decoding.catch((error: unknown) => {
    const { kind, message } = failureOf(error);
    throw new DecodeFailure(isTruncated && kind === 'corrupt' ? 'truncated' : kind, message);
  });
  requireSize(pixels, request);
  return upright(withoutAlpha(pixels, background), orientation);
}

async function decodeCmyk(request: DecodeRequest): Promise<DecodedPixels> {
  const { loadSharp, readInks } = require('./sharp') as typeof import('./sharp');
  const sharp = loadSharp();
  if (!sharp) throw new DecodeFailure('corrupt', 'sharp cannot be loaded in a thread');
  const { data, width, height } = await readInks(sharp, request);
  return inksToRgb(data, width, height);
}

async function decodeFormat(bytes: Buffer, request: DecodeRequest): Promise<DecodedPixels> {
  switch (request.format) {
    case 'bmp':
      return decodeBmp(bytes, request);
    case 'gif':
      return decodeGif(bytes, request);
    case 'png':
      return decodePng(bytes, request);
    case 'webp':
      return (require('./webp') as typeof import('./webp')).decodeWebp(bytes, request);
    case 'jpeg':
      return (require('./jpeg') as typeof import('./jpeg')).decodeJpeg(bytes, request);
    case 'tiff':
      return (require('./tiff') as typeof import('./tiff')).decodeTiff(bytes, request);
    case 'avif':
      throw new DecodeFailure('corrupt', 'it is read with sharp only');
  }
}

function failureOf(error: unknown): { kind: FailureKind; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DecodeFailure) return { kind: error.kind, message };
  const isMemory = error instanceof RangeError && /allocation failed|Invalid typed array length|larger than/.test(message);
  return { kind: isMemory ? 'memory' : 'corrupt', message: message.split('\n', 1)[0] as string };
}

parentPort?.on('message', async (request: DecodeRequest) => {
  try {
    const image = await decode(request);
    parentPort?.postMessage({ image } satisfies DecodeReply, [image.data.buffer as ArrayBuffer]);
  } catch (error) {
    parentPort?.postMessage({ failure: failureOf(error) } satisfies DecodeReply);
  }
});
