/** The first frame of a WebP, by libwebp as WebAssembly. */
import { readFileSync } from 'node:fs';
import { corrupt } from '../formats/format';
import { riffChunks } from '../formats/webp';
import type { DecodeRequest } from './request';
import type { DecodedPixels } from './rgb';

// TypeScript knows it among the types of browsers alone.
declare const WebAssembly: { Module: new (bytes: Uint8Array) => object };

interface Libwebp {
  /** Takes a compiled module, which the package would fetch otherwise. */
  init(module: object): Promise<void>;
  default(bytes: ArrayBuffer): Promise<{ data: Uint8ClampedArray; width: number; height: number }>;
}

let library: Promise<Libwebp> | undefined;

async function load(): Promise<Libwebp> {
  const webp = (await import('@jsquash/webp/decode.js')) as unknown as Libwebp;
  await webp.init(new WebAssembly.Module(readFileSync(require.resolve('@jsquash/webp/codec/dec/webp_dec.wasm'))));
  return webp;
}

export async function decodeWebp(bytes: Buffer, { width, height }: DecodeRequest): Promise<DecodedPixels> {
  const { still, left, top } = firstFrame(bytes);
  library ??= load();
  const frame = await (await library).default(new Uint8Array(still).buffer);
  const pixels = new Uint8Array(frame.data.buffer, frame.data.byteOffset, frame.data.byteLength);
  if (frame.width === width && frame.height === height) return { data: pixels, width, height, channels: 4 };
  if (left + frame.width > width || top + frame.height > height) throw corrupt('its first frame reaches beyond its canvas');
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < frame.height; y++) {
    data.set(pixels.subarray(4 * y * frame.width, 4 * (y + 1) * frame.width), 4 * ((top + y) * width + left));
  }
  return { data, width, height, channels: 4 };
}

/** Of an animation the first frame as a file of its own, and where it lies; any other file as it is. */
function firstFrame(bytes: Buffer): { still: Buffer; left: number; top: number } {
  for (const { type, start, end } of riffChunks(bytes, 12, bytes.length)) {
    if (type !== 'ANMF') continue;
    const frame = bytes.subarray(start + 16, end);
    const hasAlpha = frame.toString('latin1', 0, 4) === 'ALPH';
    const extended = Buffer.alloc(hasAlpha ? 18 : 0);
    if (hasAlpha) {
      extended.write('VP8X', 'latin1');
      extended.writeUInt32LE(10, 4);
      extended.writeUInt8(0x10, 8);
      bytes.copy(extended, 12, start + 6, start + 12);
    }
    const header = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
    header.writeUInt32LE(4 + extended.length + frame.length, 4);
    const [left, top] = [2 * bytes.readUIntLE(start, 3), 2 * bytes.readUIntLE(start + 3, 3)];
    return { still: Buffer.concat([header, extended, frame]), left, top };
  }
  return { still: bytes, left: 0, top: 0 };
}
