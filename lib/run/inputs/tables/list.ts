/** Lists of pictures: a path or a URL a line, or JSON with `image`. */
import { createReadStream } from 'node:fs';
import { onAbort } from '../../../abort';
import { InterrogatorError } from '../../../api';
import type { Picture } from '../../picture';
import { addressPicture, isUrl } from '../address';
import { failedPicture, openPipe, statOf, systemReason } from '../file-picture';
import { shownPath } from '../shown-path';
import { urlTable } from '../url-sources';
import { tableOf } from './by-name';
import { type ListLine, listLines } from './list-lines';
import type { Table } from './table';

/** A list's file, `-` for standard input, or what gives a list's bytes. */
export type ListInput = string | { readonly path: Buffer } | NodeJS.ReadableStream;

export function listTable(list: ListInput): Table {
  return {
    pictures: (signal) => listPictures(list, signal),
    sources: (signal) => listSources(list, signal),
    count: (signal) => countLines(list, signal),
  };
}

async function* listPictures(list: ListInput, signal: AbortSignal | undefined): AsyncGenerator<Picture> {
  for await (const source of listSources(list, signal)) {
    if ('pictures' in source) yield* source.pictures(signal);
    else yield source;
  }
}

/** Lines are read as they are needed. A line that stands for nothing is a picture that fails. */
async function* listSources(list: ListInput, signal: AbortSignal | undefined): AsyncGenerator<Picture | Table> {
  const name = listName(list);
  let leave = (): void => {};
  try {
    const stream = await openList(list);
    // A wait for its next line ends, too.
    leave = onAbort(signal, () => (stream as { destroy?: () => void }).destroy?.());
    for await (const line of listLines(stream)) {
      const found = readLine(line, name);
      if (found instanceof InterrogatorError) yield failedPicture(`${name}:${line.number}`, found);
      else if (found) yield tableAt(found) ?? addressPicture(found);
    }
  } catch (cause) {
    if (signal?.aborted) return;
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const error = isMissing
      ? new InterrogatorError('ERR_IO', `There is no list ${name}.`, { hint: 'Check the path.', cause })
      : new InterrogatorError('ERR_IO', `${name} cannot be read as a list: ${systemReason(cause)}.`, { cause });
    yield failedPicture(name, error);
  } finally {
    leave();
  }
}

/** Lists in regular files alone: others can be read once. */
async function countLines(list: ListInput, signal: AbortSignal | undefined): Promise<number | null> {
  const file = listFile(list);
  const found = file && (await statOf(file));
  if (!file || (found && !found.isFile())) return null;
  if (!found) return 1;
  let count = 0;
  try {
    for await (const line of listLines(createReadStream(file, signal ? { signal } : {}))) {
      const address = readLine(line, '');
      const inTable = address && !(address instanceof InterrogatorError) ? tableAt(address)?.count(signal) : undefined;
      const here = inTable ? await inTable : address ? 1 : 0;
      if (here === null) return null;
      count += here;
    }
    return count;
  } catch {
    return count + 1;
  }
}

/** Undefined for an address that is not named as a file of many pictures. */
export function tableAt(address: Buffer): Table | undefined {
  const text = address.toString('latin1');
  return isUrl(text) ? urlTable(text) : tableOf(address);
}

function listFile(list: ListInput): Buffer | undefined {
  if (typeof list === 'string') return list === '-' ? undefined : Buffer.from(list);
  return 'path' in list && !('pipe' in list) ? list.path : undefined;
}

function listName(list: ListInput): string {
  const file = listFile(list);
  return file ? shownPath(file) : list === '-' ? 'standard input' : 'the stream';
}

async function openList(list: ListInput): Promise<AsyncIterable<Uint8Array | string>> {
  const file = listFile(list);
  if (!file) return list === '-' ? process.stdin : (list as NodeJS.ReadableStream);
  return (await statOf(file))?.isFIFO() ? openPipe(file) : createReadStream(file);
}

/** Undefined for a blank line. */
function readLine({ bytes, number }: ListLine, list: string): Buffer | InterrogatorError | undefined {
  const bad = (problem: string, cause?: unknown): InterrogatorError =>
    new InterrogatorError('ERR_INVALID_ARGUMENT', `${list}, line ${number}: ${problem}.`, { hint: LINE_HINT, cause });
  if (!bytes) return bad('it is longer than 64 MiB');
  if (bytes.includes(0)) return bad('it is no text');
  const start = bytes.find((byte) => byte !== SPACE && byte !== TAB);
  if (start === undefined) return undefined;
  if (start !== BRACE) return bytes;
  try {
    const { image } = JSON.parse(bytes.toString()) as { image?: unknown };
    if (typeof image === 'string' && image !== '') return Buffer.from(image);
    return bad(image === undefined ? 'it has no field image' : 'its field image is not a path or a URL');
  } catch (cause) {
    return bad(`it begins as JSON, and is none: ${(cause as Error).message}`, cause);
  }
}

const [SPACE, TAB, BRACE] = [0x20, 0x09, 0x7b];

const LINE_HINT = 'A line is a path, a URL, or JSON: {"image": "a/1.jpg"}.';
