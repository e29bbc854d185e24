/** What callers hand in as an encoded image. */
import { fileURLToPath } from 'node:url';
import { InterrogatorError } from '../../errors';
import { shownUrl } from '../../net/shown-url';
import { describe } from '../raw-pixels';
import { dataParts } from './data-url';
import { nameOf, noPath } from './file';
import { takeCopy, viewOf } from './memory';
import type { Reading } from './read-ahead';
import { BYTES_PER_TURN, type ByteStream, MOST_BYTES, readStream, tooLarge } from './stream';

/** An image in its file's form: a path, a URL (file:, data:, http: or https:, as a string or a URL), bytes, or what gives bytes. */
export type EncodedImage =
  | string
  | URL
  | Uint8Array
  | Uint8ClampedArray
  | DataView
  | ArrayBuffer
  | SharedArrayBuffer
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | ByteStream;

/** Where the bytes of an encoded image come from. */
export interface ImageSource {
  /** For messages. */
  name: string;
  /** Whether reading may take as long as somebody else likes. */
  isSlow: boolean;
  /** The path of a file, or bytes in memory that is ours alone. Slow ones count in `reading` what arrives. */
  read(signal: AbortSignal | undefined, reading: Reading): Promise<string | Buffer>;
}

/**
 * Takes what the caller handed in: memory is copied at once, for the caller may do with it what it likes; files are read when
 * it is their turn.
 */
export function openInput(input: unknown): ImageSource {
  try {
    if (typeof input === 'string' && input !== '') return openText(input);
    const view = viewOf(input);
    if (view) {
      const take = takeCopy(view);
      return { name: 'the image buffer', isSlow: false, read: async () => take() };
    }
    if (typeof input === 'object' && input !== null) return openObject(input);
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    // A getter of the caller's, a revoked proxy.
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'Invalid image: it cannot be looked at', { cause });
  }
  throw noImage(input);
}

function noImage(input: unknown): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${describe(input)}`, {
    hint: "Give a file's path, a URL, the bytes of an encoded file, a stream of them, or raw pixels {data, width, height, channels}.",
  });
}

/** Of a path or a URL: systems and servers take less. */
const LONGEST_ADDRESS = 1 << 16;

function openText(text: string): ImageSource {
  // Four characters of Base64 are three bytes.
  if (text.length > (MOST_BYTES / 3) * 4 + 1000) throw tooLarge('the image text');
  const [, scheme] = /^([a-z][a-z0-9+.-]+):/i.exec(text.slice(0, 100)) ?? [];
  if (scheme?.toLowerCase() === 'data') return openStream('the data: URL', dataParts(text));
  if (text.length > LONGEST_ADDRESS) throw noPath(text);
  switch (scheme?.toLowerCase()) {
    case 'http':
    case 'https':
      return openDownload(text);
    case 'file':
      return openFile(pathOf(text));
  }
  // A single file may have a colon in its name.
  if (scheme && text.startsWith('//', scheme.length + 1)) throw unknownScheme(scheme);
  return openFile(text);
}

/** The client is loaded when it is needed. */
function openDownload(url: string): ImageSource {
  const { imageParts } = require('../../net/fetch-image') as typeof import('../../net/fetch-image');
  const name = nameOf(shownUrl(url));
  return { name, isSlow: true, read: (signal, reading) => readStream(name, imageParts(url, { signal }), signal, reading) };
}

function openFile(path: string): ImageSource {
  return { name: nameOf(path), isSlow: false, read: async () => path };
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    // The cause would show the whole text.
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${nameOf(shownUrl(url))} is not the URL of a file here`);
  }
}

function unknownScheme(scheme: string): InterrogatorError {
  return new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${scheme}: URLs cannot be read`, {
    hint: 'Give a file:, data:, http: or https: URL, or download it yourself and give the bytes.',
  });
}

/** By what objects can do, not by their classes: those of another realm or package are as good. */
function openObject(input: object): ImageSource {
  const it = input as Partial<URL & Blob & Response & File & ReadableStream<Uint8Array> & ByteStream>;
  if (typeof it.href === 'string' && typeof it.protocol === 'string') {
    if (!/^(?:file|data|https?):$/.test(it.protocol)) throw unknownScheme(it.protocol.slice(0, -1));
    return openText(it.href);
  }
  if (typeof it.arrayBuffer === 'function') {
    if (typeof it.size === 'number') return openBlob(input as Blob);
    if (typeof it.bodyUsed === 'boolean') return openResponse(input as Response);
  }
  if (typeof it[Symbol.asyncIterator] === 'function') return openStream('the image stream', input as ByteStream);
  throw noImage(input);
}

function openBlob(blob: Blob): ImageSource {
  const { name } = blob as Partial<File>;
  const title = typeof name === 'string' && name !== '' ? nameOf(name) : 'the image blob';
  if (blob.size > MOST_BYTES) throw tooLarge(title);
  return openStream(title, typeof blob.slice === 'function' ? partsOf(blob) : (blob.stream() as unknown as ByteStream));
}

/** Its own stream may give it in one part. */
async function* partsOf(blob: Blob): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += BYTES_PER_TURN) yield new Uint8Array(await blob.slice(at, at + BYTES_PER_TURN).arrayBuffer());
}

function openResponse(response: Response): ImageSource {
  const name = response.url ? nameOf(shownUrl(response.url)) : 'the image response';
  if (!response.ok) {
    response.body?.cancel().catch(() => {});
    throw new InterrogatorError('ERR_NETWORK', `Cannot read ${name}: the server answered ${response.status}`, {
      hint: 'Look at the response before you give it.',
    });
  }
  if (Number(response.headers.get('content-length') ?? 0) > MOST_BYTES) throw tooLarge(name);
  return openStream(name, (response.body ?? new Blob([]).stream()) as unknown as ByteStream);
}

function openStream(name: string, stream: ByteStream): ImageSource {
  const { locked, readableEnded } = stream as { locked?: boolean; readableEnded?: boolean };
  if (locked || readableEnded) {
    throw new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${name} was read already`, {
      hint: 'A stream can be read once: give the bytes where you need them twice.',
    });
  }
  return { name, isSlow: true, read: (signal, reading) => readStream(name, stream, signal, reading) };
}
