/** Pictures that are a file, a pipe or a URL, and those that stand for a failure. */
import { isUtf8 } from 'node:buffer';
import { type BigIntStats, constants, createReadStream, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { type EncodedImage, InterrogatorError, readImage, shownUrl } from '../../api';
import type { Picture } from '../picture';
import { shownPath } from './shown-path';

/** Undefined for what is not there, or cannot be reached. */
export async function statOf(file: Buffer): Promise<BigIntStats | undefined> {
  return stat(file, { bigint: true }).catch(() => undefined);
}

/** What changes with a file's content. */
export function stampOf({ size, mtimeNs, ino }: BigIntStats): string {
  return `${size}:${mtimeNs}:${ino}`;
}

/** `root`: the folder argument that it was found below. `name`: where it is not its path. */
export function filePicture(file: Buffer, { root, name = shownPath(file) }: { root?: Buffer; name?: string } = {}): Picture {
  return {
    name,
    file,
    ...(root && { root }),
    async stamp() {
      const found = await statOf(file);
      if (found) return stampOf(found);
      await openFile(file, undefined);
      throw new InterrogatorError('ERR_IO', `${name} cannot be looked at.`);
    },
    open: (signal, until) => openFile(file, signal, until),
  };
}

/** The path where a string can hold it, else the file's bytes. */
async function openFile(file: Buffer, signal: AbortSignal | undefined, until?: Promise<unknown>): Promise<string | Buffer> {
  if (isUtf8(file)) {
    return readImage(asPath(file), { signal });
  }
  const name = shownPath(file);
  const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    if (isMissing) throw new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no file ${name}`, { hint: 'Check the path.', cause });
    throw new InterrogatorError('ERR_IO', `Cannot read ${name}: ${systemReason(cause)}`, { cause });
  });
  if (found.isDirectory()) throw new InterrogatorError('ERR_IMAGE_NOT_FOUND', `${name} is a folder, not an image`);
  if (!found.isFile()) throw new InterrogatorError('ERR_IO', `${name} is a pipe, a socket or a device, not a file`);
  if (found.size > MOST_BYTES) {
    throw new InterrogatorError('ERR_IMAGE_SIZE', `${name} is longer than ${MOST_BYTES >> 20} MiB, the most that is read of it`, {
      hint: 'Rename it: files whose names are UTF-8 may be longer.',
    });
  }
  return readImage(createReadStream(file), { signal, until });
}

const MOST_BYTES = 256 << 20;

/** What begins as a URL that is read is a path all the same: it was given as bytes, or found in a folder of that name. */
function asPath(file: Buffer): string {
  const text = file.toString();
  return /^(?:https?|file|data):/i.test(text) ? `./${text}` : text;
}

/** What can be read once: standard input, a pipe. Its bytes are kept for who asks again. */
export function streamPicture(name: string, openStream: () => EncodedImage): Picture {
  let bytes: Promise<string | Buffer> | undefined;
  return {
    name,
    open: (signal) => {
      bytes ??= (async () => readImage(openStream(), { signal }))();
      return bytes;
    },
  };
}

/** `<(…)` of a shell, too. It waits for a writer without holding a thread, so that Ctrl-C ends the wait. */
export function openPipe(file: Buffer, signal?: AbortSignal): Socket {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false, ...(signal && { signal }) });
}

/** `http:`, `https:` and `data:`. */
export function urlPicture(url: string): Picture {
  // The address is the content.
  const held = /^data:/i.test(url) ? { bytes: url.length } : {};
  return { name: urlName(url), origin: { url }, ...held, open: (signal, until) => readImage(url, { signal, until }) };
}

/** Without the data, which may be long, and private; without a password and the like. */
export function urlName(url: string): string {
  if (/^data:/i.test(url)) return `${url.slice(0, url.indexOf(',', 5) + 1).slice(0, 100)}…`;
  return /[@?#]/.test(url) ? shownUrl(url) : url;
}

/** Stands for what cannot be read. */
export function failedPicture(name: string, error: InterrogatorError): Picture {
  const fail = (): Promise<never> => Promise.reject(error);
  return { name, origin: { failure: error }, stamp: fail, open: fail };
}

/** What the system says, without the path, which need not be UTF-8. */
export function systemReason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === undefined ? message : message.replace(/, [a-z]+(?: '.*')?$/s, '');
}
