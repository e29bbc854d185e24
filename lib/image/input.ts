/** What callers hand in as an encoded image. */
import { readFile, stat } from 'node:fs/promises';
import { types } from 'node:util';
import { AbortError, InterrogatorError } from '../errors';
import { describe } from './raw-pixels';

/** Where the bytes of an encoded image come from. */
export interface ImageSource {
  /** For messages. */
  name: string;
  /** The memory that it resolves with is ours alone. */
  read(signal: AbortSignal | undefined): Promise<Buffer>;
}

/** Takes what the caller handed in: memory is copied at once, for the caller may do with it what it likes; files are read when it is their turn. */
export function openInput(input: unknown): ImageSource {
  if (types.isUint8Array(input) || types.isAnyArrayBuffer(input)) {
    const bytes = copyOf(input);
    return { name: 'the image buffer', read: async () => bytes };
  }
  if (typeof input === 'string' && input !== '') return { name: input, read: (signal) => readPath(input, signal) };
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', `Invalid image: ${describe(input)}`, {
    hint: "Give a file's path, a Buffer of an encoded file, or raw pixels {data, width, height, channels}.",
  });
}

/** Of its own memory whole, so that it can be handed to another thread. */
function copyOf(input: Uint8Array | ArrayBufferLike): Buffer {
  const copy = Buffer.allocUnsafeSlow(input.byteLength);
  // Memory that was handed to another thread has no length any more.
  if (copy.length > 0) copy.set(types.isUint8Array(input) ? input : new Uint8Array(input as ArrayBuffer));
  return copy;
}

async function readPath(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    await requireFile(path);
    return await readFile(path, { signal });
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    throw describeReadError(path, cause as NodeJS.ErrnoException, signal);
  }
}

/** Opening a pipe that nobody writes to waits for ever, in a thread that no signal reaches; a device may never end. */
async function requireFile(path: string): Promise<void> {
  const found = await stat(path);
  if (found.isFile() || found.isDirectory()) return;
  throw new InterrogatorError('ERR_IO', `${path} is a pipe, a socket or a device, not a file`, {
    hint: "Give a file's path, or read it yourself and give the bytes.",
  });
}

function describeReadError(path: string, cause: NodeJS.ErrnoException, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new AbortError(signal.reason);
  switch (cause.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ERR_INVALID_ARG_VALUE':
      return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no file ${path}`, {
        hint: /^https?:/i.test(path) ? 'Fetch a URL first, or use the command line, which does.' : 'Check the path.',
        cause,
      });
    case 'EISDIR':
      return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `${path} is a folder, not an image`, {
        hint: 'Give the path of one file.',
        cause,
      });
    case 'EACCES':
    case 'EPERM':
      return new InterrogatorError('ERR_IO', `No permission to read ${path}`, { hint: 'Change its permissions or its owner.', cause });
    default:
      return new InterrogatorError('ERR_IO', `Cannot read ${path}: ${cause.message}`, { cause });
  }
}
