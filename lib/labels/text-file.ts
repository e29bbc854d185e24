/** Text files, read piece by piece. Those that hold something else are refused with what it looks like. */
import { constants, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { types } from 'node:util';
import { InterrogatorError } from '../errors';
import { decodeText, detectEncoding, encodedLength, looksLike } from './text-encoding';

/** 128 MiB; clip-interrogator's whole vocabulary has 1.9 MB. */
export const MOST_BYTES = 128 << 20;

/** To decode and split so much takes about a millisecond; others get their turn before the next piece. */
const PIECE_BYTES = 64 << 10;

/** A regular file, or bytes from elsewhere: standard input, a response. */
export type TextSource = string | AsyncIterable<Uint8Array>;

/**
 * The text of at most MOST_BYTES, in pieces: UTF-8, or UTF-16 with a byte order mark. The mark is left out. `name` is for messages.
 * Throws ERR_VOCABULARY_INVALID, and what the file system says.
 */
export async function* readText(source: TextSource, name: string): AsyncGenerator<string> {
  let found: ReturnType<typeof detectEncoding> | undefined;
  // The end of what was read, where it begins a character that is not complete.
  let kept = Buffer.alloc(0);
  let start = 0;
  for await (const piece of ended(typeof source === 'string' ? readFile(source) : source)) {
    const isLast = piece.length === 0;
    let bytes = Buffer.concat([kept, piece]);
    if (start + bytes.length > MOST_BYTES) throw tooLong(name, `more than ${MOST_BYTES}`);
    if (!found) {
      kept = bytes;
      if (bytes.length < LONGEST_MARK && !isLast) continue;
      found = detectEncoding(bytes);
      start = found.start;
      bytes = bytes.subarray(start);
    }
    const text = decodeText(bytes, found.encoding, isLast);
    if (text === undefined) throw notText(name, looksLike(bytes, start, found.encoding));
    if (text !== '') yield text;
    const length = encodedLength(text, found.encoding);
    kept = bytes.subarray(length);
    start += length;
  }
}

const LONGEST_MARK = 3;

/** With an empty piece as the last, and none before. */
async function* ended(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (!types.isUint8Array(piece)) throw new TypeError('it does not give bytes');
    if (piece.length > 0) yield piece;
  }
  yield Buffer.alloc(0);
}

async function* readFile(location: string): AsyncGenerator<Buffer> {
  // Without O_NONBLOCK, to open a pipe would wait for a writer, which may never come.
  const file = await open(location, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    requireRegular(await file.stat(), location);
    yield* file.createReadStream({ highWaterMark: PIECE_BYTES, autoClose: false });
  } finally {
    await file.close();
  }
}

function requireRegular(stats: Stats, location: string): void {
  if (stats.isFile()) {
    if (stats.size > MOST_BYTES) throw tooLong(location, String(stats.size));
    return;
  }
  const kind = stats.isDirectory() ? 'folder' : stats.isFIFO() ? 'pipe' : stats.isSocket() ? 'socket' : 'device';
  throw invalid(`${location} is a ${kind}, not a text file.`);
}

function tooLong(location: string, bytes: string): InterrogatorError {
  const message = `${location} has ${bytes} bytes; term lists of at most ${MOST_BYTES} are read.`;
  return invalid(message, `${HINT}, or split the list in tables and merge them.`);
}

function notText(location: string, reason: string): InterrogatorError {
  const message = `${location} is no text in UTF-8, nor in UTF-16 with a byte order mark: ${reason}.`;
  const encoding = /UTF-\d\d|Windows-1252|code page/.exec(reason)?.[0].replace('code page', 'ENCODING');
  return invalid(message, encoding && `${HINT}; save it as UTF-8, for example: iconv -f ${encoding} -t UTF-8 OLD > NEW`);
}

export const HINT = 'Name a text file of one term a line';

export function invalid(message: string, hint = `${HINT}.`): InterrogatorError {
  return new InterrogatorError('ERR_VOCABULARY_INVALID', message, { hint });
}
