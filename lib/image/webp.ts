/** The first frame of a WebP, by jimp's decoder (libwebp as WebAssembly). */
import { readFile } from 'node:fs/promises';
import { DecodeFailure, type RgbImage } from './failure';

interface Decoded {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

// The decoder is an ES module; TypeScript would turn a plain import() into require().
const importModule = new Function('specifier', 'return import(specifier)') as (specifier: string) => Promise<{
  default: () => { decode(bytes: ArrayBuffer): Promise<{ bitmap?: Decoded } & Decoded> };
}>;

export async function decodeWebp(bytes: Buffer): Promise<RgbImage> {
  if (bytes.length < 12 || bytes.readUInt32LE(4) + 8 > bytes.length) {
    throw new DecodeFailure('truncated', 'the file is shorter than its header says');
  }
  const animation = readAnimation(bytes);
  const still = animation?.still ?? bytes;
  let decoded: Decoded;
  try {
    allowFileFetch();
    const { default: createDecoder } = await importModule('@jimp/wasm-webp');
    const copy = new Uint8Array(still).buffer;
    const result = await createDecoder().decode(copy);
    decoded = result.bitmap ?? result;
  } catch (cause) {
    throw new DecodeFailure('corrupt', (cause as Error).message ?? String(cause));
  }
  const width = animation?.width ?? decoded.width;
  const height = animation?.height ?? decoded.height;
  const left = animation?.left ?? 0;
  const top = animation?.top ?? 0;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < decoded.height; y++) {
    let from = y * decoded.width * 4;
    let to = ((top + y) * width + left) * 3;
    for (let x = 0; x < decoded.width; x++, from += 4) {
      data[to++] = decoded.data[from] as number;
      data[to++] = decoded.data[from + 1] as number;
      data[to++] = decoded.data[from + 2] as number;
    }
  }
  return { data, width, height };
}

let fileFetchAllowed = false;

/** The decoder fetches its WebAssembly by a file: URL, which Node's fetch refuses. This runs in a thread of its own only. */
function allowFileFetch(): void {
  if (fileFetchAllowed) return;
  fileFetchAllowed = true;
  const original = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const url = String(input);
    if (!url.startsWith('file:')) return original(input, init);
    return new Response(await readFile(new URL(url)), { headers: { 'content-type': 'application/wasm' } });
  };
}

interface Animation {
  /** The first frame as a file of its own. */
  still: Buffer;
  width: number;
  height: number;
  left: number;
  top: number;
}

/** Undefined for a file without animation. https://developers.google.com/speed/webp/docs/riff_container */
function readAnimation(bytes: Buffer): Animation | undefined {
  let canvas: { width: number; height: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const type = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'VP8X') {
      canvas = { width: body.readUIntLE(4, 3) + 1, height: body.readUIntLE(7, 3) + 1 };
    } else if (type === 'ANMF' && canvas) {
      const frame = body.subarray(16);
      const extended = Buffer.alloc(18);
      extended.write('VP8X', 'latin1');
      extended.writeUInt32LE(10, 4);
      extended.writeUInt8(frame.toString('latin1', 0, 4) === 'ALPH' ? 0x10 : 0, 8);
      body.copy(extended, 12, 6, 12);
      const chunks = frame.toString('latin1', 0, 4) === 'ALPH' ? Buffer.concat([extended, frame]) : frame;
      const header = Buffer.from('RIFF\0\0\0\0WEBP', 'latin1');
      header.writeUInt32LE(chunks.length + 4, 4);
      const still = Buffer.concat([header, chunks]);
      return { still, ...canvas, left: 2 * body.readUIntLE(0, 3), top: 2 * body.readUIntLE(3, 3) };
    }
    at += 8 + length + (length % 2);
  }
  return undefined;
}
