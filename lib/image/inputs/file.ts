import { createReadStream, type Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { AbortError, InterrogatorError } from '../../errors';
import { sniff } from '../formats';
import { isBase64Text } from './data-url';

const LONGEST_NAME = 300;
/** A larger file is read only if it starts as an image does. */
const LARGE = 16 << 20;
const HEAD_BYTES = 4096;

/** For messages. What is too long for a path is no path, and may be private. */
export function nameOf(path: string): string {
  return path.length > LONGEST_NAME ? 'the image' : path;
}

export async function readPath(path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    const { size } = await requireFile(path);
    // Files of /proc look empty too, and reading some of them waits for ever.
    if (size === 0) return Buffer.alloc(0);
    if (size > LARGE) {
      const head = Buffer.concat(await createReadStream(path, { end: HEAD_BYTES - 1 }).toArray());
      if (!sniff(head)) return head;
    }
    return await readFile(path, { signal });
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    throw describeReadError(path, cause as NodeJS.ErrnoException, signal);
  }
}

/** Rejects as readPath does where there is no file at the path, or nothing that can be read as one. */
export async function findPath(path: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await requireFile(path);
  } catch (cause) {
    if (cause instanceof InterrogatorError) throw cause;
    throw describeReadError(path, cause as NodeJS.ErrnoException, signal);
  }
}

/** Opening a pipe that nobody writes to waits for ever, in a thread that no signal reaches; a device may never end. */
async function requireFile(path: string): Promise<Stats> {
  const found = await stat(path);
  if (found.isFile()) return found;
  if (found.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
  throw new InterrogatorError('ERR_IO', `${path} is a pipe, a socket or a device, not a file`, {
    hint: "Give a file's path, or read it yourself and give the bytes or a stream of them.",
  });
}

function describeReadError(path: string, cause: NodeJS.ErrnoException, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new AbortError(signal.reason);
  const name = nameOf(path);
  switch (cause.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
    case 'ERR_INVALID_ARG_VALUE':
      // The system's own messages would repeat it.
      if (path.length > LONGEST_NAME || isBase64Text(path)) return noPath(path);
      return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no file ${path}`, { hint: 'Check the path.', cause });
    case 'EISDIR':
      return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `${name} is a folder, not an image`, {
        hint: 'Give the path of one file.',
        cause,
      });
    case 'ERR_FS_FILE_TOO_LARGE':
      return new InterrogatorError('ERR_IMAGE_SIZE', `${name} is longer than 2 GiB`, { hint: 'Make the image smaller.', cause });
    case 'EACCES':
    case 'EPERM':
      return new InterrogatorError('ERR_IO', `No permission to read ${name}`, { hint: 'Change its permissions or its owner.', cause });
    default:
      return new InterrogatorError('ERR_IO', `Cannot read ${name}: ${cause.code ?? 'the system failed'}`, { cause });
  }
}

/** For what is too long for a path, or looks like something else. */
export function noPath(text: string): InterrogatorError {
  if (!isBase64Text(text)) {
    return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is nothing at that path or address, which has ${text.length} characters`, {
      hint: 'Give a path, a URL or the bytes of an image.',
    });
  }
  return new InterrogatorError('ERR_INVALID_ARGUMENT', 'Invalid image: the string is not a path, but looks like Base64 text', {
    hint: "Give Buffer.from(text, 'base64'), or the text as a URL, behind 'data:image/png;base64,'.",
  });
}
