/** The worker thread that decodes with plain JavaScript and WebAssembly, so that the event loop stays free. */
import { parentPort } from 'node:worker_threads';
import { decodeBmp } from './bmp';
import { DecodeFailure, type FailureKind, type RgbImage } from './failure';
import type { FormatName } from './formats';
import { decodeGif } from './gif';

export interface DecodeRequest {
  format: FormatName;
  bytes: Uint8Array;
}

export interface DecodeReply {
  image?: RgbImage;
  failure?: { kind: FailureKind; message: string };
}

/** Loads a format's library when it is first needed. */
async function decode(format: FormatName, bytes: Buffer): Promise<RgbImage> {
  switch (format) {
    case 'bmp':
      return decodeBmp(bytes);
    case 'gif':
      return decodeGif(bytes);
    case 'png':
      return (require('./png') as typeof import('./png')).decodePng(bytes);
    case 'webp':
      return (require('./webp') as typeof import('./webp')).decodeWebp(bytes);
    case 'jpeg':
      return (require('./jimp') as typeof import('./jimp')).decodeJpeg(bytes);
    case 'tiff':
      return (require('./jimp') as typeof import('./jimp')).decodeTiff(bytes);
    case 'avif':
      throw new DecodeFailure('corrupt', 'it is read with sharp only');
  }
}

parentPort?.on('message', async ({ format, bytes }: DecodeRequest) => {
  try {
    const image = await decode(format, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const reply: DecodeReply = { image };
    parentPort?.postMessage(reply, [image.data.buffer as ArrayBuffer]);
  } catch (error) {
    const kind = error instanceof DecodeFailure ? error.kind : 'corrupt';
    const reply: DecodeReply = { failure: { kind, message: (error as Error).message ?? String(error) } };
    parentPort?.postMessage(reply);
  }
});
