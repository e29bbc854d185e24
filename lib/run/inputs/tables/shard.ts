/** The pictures in a tar, read as a stream, from a file, a pipe or a server: shards of WebDataset. */
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Entry, Extract, Headers } from 'tar-stream';
import { onAbort } from '../../../abort';
import { InterrogatorError } from '../../../api';
import { throwIfAborted } from '../../../errors';
import type { Picture } from '../../picture';
import { failedPicture, systemReason } from '../file-picture';
import { isImageName, shownPath } from '../shown-path';
import { fileShard, type ShardSource, urlShard } from './shard-source';
import type { Table } from './table';

export const SHARD_NAME = /\.(?:tar|tar\.gz|tgz)$/i;

/** Members of more bytes are refused. */
const MOST_BYTES = 2 ** 31;
/** Between two members: long names, other fields, padding. More of them is no tar, and would be held in memory. */
const MOST_BETWEEN = 64 << 20;
const BLOCK = 512;

/** Only the member that was given last is in memory, and what is read ahead of it: less than 1 MiB. */
export function shardTable(file: Buffer): Table {
  return { address: file, pictures: (signal) => shardPictures(fileShard(file), signal), count: async () => null };
}

/** As shardTable(), of an http or https URL. What was read stays, where the connection breaks. */
export function shardUrlTable(url: string): Table {
  return { address: Buffer.from(url), pictures: (signal) => shardPictures(urlShard(url), signal), count: async () => null };
}

/** How far the reader is. */
interface Position {
  /** Bytes of the tar, without compression. */
  bytes: number;
  /** The most that may have been read before there is another member. */
  limit: number;
  /** Zeros at the end of what was read: a tar ends with two blocks of them. */
  zeros: number;
  members: number;
  last: string;
  /** Why nothing comes any more. What was read before is a tar that ends early. */
  failure?: unknown;
}

async function* shardPictures(source: ShardSource, signal: AbortSignal | undefined): AsyncGenerator<Picture> {
  const shard = source.name;
  const position: Position = { bytes: 0, limit: MOST_BETWEEN, zeros: 0, members: 0, last: '' };
  let entries: Extract | undefined;
  let isEmpty = true;
  // What waits for a server hears of nothing else.
  const ending = new AbortController();
  const leave = onAbort(signal, () => ending.abort());
  try {
    throwIfAborted(signal);
    const { stamp, pieces } = await source.open(ending.signal);
    entries = readEntries(pieces, position);
    for await (const entry of entries) {
      const { header } = entry as Entry;
      position.members += 1;
      position.last = memberName(header);
      // Of this member what may be there already was counted, too.
      position.limit = position.bytes + (header.size ?? 0) + MOST_BETWEEN;
      const order = position.members;
      const isPicture = header.type === 'file' || header.type === 'contiguous-file';
      if (!isPicture || !isImageMember(position.last)) {
        (entry as Entry).resume();
        continue;
      }
      isEmpty = false;
      const name = `${shard}/${position.last}`;
      const bytes = (header.size ?? 0) >= MOST_BYTES ? undefined : await readEntry(entry as Entry);
      if (!bytes) {
        (entry as Entry).resume();
        yield failedPicture(name, tooLarge(name));
      } else {
        const stamped = stamp === undefined ? {} : { stamp: async () => `${stamp}:${order}` };
        yield { name, ...stamped, bytes: bytes.length, open: async () => bytes };
      }
    }
    if (position.failure !== undefined) throw position.failure;
    if (position.zeros < BLOCK) throw Object.assign(new Error('it ends without the mark of its end'), { code: ENDS_EARLY });
    if (isEmpty) yield failedPicture(shard, new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There are no images in the shard ${shard}.`));
  } catch (cause) {
    if (signal?.aborted) return;
    yield failedPicture(shard, shardError(shard, position, position.failure ?? cause));
  } finally {
    leave();
    entries?.destroy();
    ending.abort();
  }
}

function readEntries(pieces: AsyncIterable<Buffer>, position: Position): Extract {
  // Names need not be UTF-8.
  const entries = (require('tar-stream') as typeof import('tar-stream')).extract({
    filenameEncoding: 'latin1' as BufferEncoding,
    // The oldest tars do not name their format.
    allowUnknownFormat: true,
  });
  pipeline(
    pieces,
    unpacked,
    (bytes) => counted(untilFailure(bytes as AsyncIterable<Buffer>, position), position),
    entries as unknown as NodeJS.WritableStream,
    () => {},
  );
  return entries;
}

/** A failure would take the members with it that were read before. */
async function* untilFailure(pieces: AsyncIterable<Buffer>, position: Position): AsyncGenerator<Buffer> {
  try {
    yield* pieces;
  } catch (cause) {
    position.failure = cause;
  }
}

/** By the first bytes: some name a compressed tar `.tar`. */
async function* unpacked(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start = Buffer.alloc(0);
  const iterator = pieces[Symbol.asyncIterator]();
  while (start.length < 2) {
    const { done, value } = await iterator.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  const all = async function* (): AsyncGenerator<Buffer> {
    yield start;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  if (start[0] !== 0x1f || start[1] !== 0x8b) return yield* all();
  // Its failures are the iteration's, too.
  yield* pipeline(all, createGunzip({ chunkSize: 1 << 16 }), () => {}) as AsyncIterable<Buffer>;
}

async function* counted(pieces: AsyncIterable<Buffer>, position: Position): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    position.bytes += piece.length;
    let zeros = 0;
    while (zeros < BLOCK && zeros < piece.length && piece[piece.length - 1 - zeros] === 0) zeros += 1;
    position.zeros = zeros === piece.length ? position.zeros + zeros : zeros;
    if (position.bytes > position.limit) throw new Error('it goes on without any members');
    yield piece;
  }
}

/** As in the tar, without `./` in front. */
function memberName(header: Headers): string {
  const { name, pax } = header as Headers & { pax?: Record<string, string> };
  // In the newest format names are text, in others bytes.
  const text = pax?.path ?? shownPath(Buffer.from(name, 'latin1'));
  return text.replace(/^(?:\.?\/)+/, '');
}

function isImageMember(name: string): boolean {
  const parts = name.split('/');
  return isImageName(parts.at(-1) as string) && parts.every((part) => !part.startsWith('.') || part === '..');
}

async function readEntry(entry: Entry): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(entry.header.size ?? 0);
  let at = 0;
  for await (const piece of entry as AsyncIterable<Buffer>) at += piece.copy(bytes, at);
  return bytes;
}

function tooLarge(name: string): InterrogatorError {
  return new InterrogatorError('ERR_IMAGE_SIZE', `${name} is longer than 2 GiB`, { hint: 'Make the image smaller.' });
}

const ENDS_EARLY = 'ENDS_EARLY';

function shardError(shard: string, { members, last }: Position, cause: unknown): InterrogatorError {
  const { code, syscall, message } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new InterrogatorError('ERR_IMAGE_NOT_FOUND', `There is no shard ${shard}`, { hint: 'Check the path.', cause });
  }
  const where = members === 0 ? 'before its first member' : `at or behind its member ${members}, ${last}`;
  if (cause instanceof InterrogatorError) {
    const { problem, hint } = cause;
    return new InterrogatorError(cause.code, `The shard ${shard} cannot be read ${where}: ${problem}`, { cause, ...(hint && { hint }) });
  }
  if (syscall) return new InterrogatorError('ERR_IO', `The shard ${shard} cannot be read ${where}: ${systemReason(cause)}`, { cause });
  if (code === ENDS_EARLY || code === 'Z_BUF_ERROR' || message === 'Unexpected end of data') {
    return new InterrogatorError('ERR_IMAGE_TRUNCATED', `The shard ${shard} breaks off ${where}`, {
      hint: 'Copy or download it again: its end is missing.',
      cause,
    });
  }
  const problem = members === 0 ? `${shard} is no tar` : `The shard ${shard} is damaged ${where}`;
  return new InterrogatorError('ERR_IO', `${problem}: ${message}`, { hint: 'Copy or download it again, or pack it again.', cause });
}
