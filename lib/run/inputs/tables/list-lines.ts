/** The lines of a list, as bytes, one after the other: a list may be longer than memory. */
import { TextDecoder } from 'node:util';
import { Turns } from '../../turns';

export interface ListLine {
  /** From 1. */
  readonly number: number;
  /** Without its line end. Undefined where it is longer than what is read of a line: 64 MiB, for `data:` URLs. */
  readonly bytes: Buffer | undefined;
}

const LONGEST_LINE = 64 << 20;
const NEWLINE = 0x0a;

/** Lines end with LF or CRLF; a byte order mark in front is left out. UTF-16 with such a mark becomes UTF-8. */
export async function* listLines(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<ListLine> {
  const turns = new Turns();
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;
  const endLine = (): ListLine => {
    number += 1;
    const whole = Buffer.concat(parts);
    const line = { number, bytes: length > LONGEST_LINE ? undefined : whole.at(-1) === 0x0d ? whole.subarray(0, -1) : whole };
    parts = [];
    length = 0;
    return line;
  };
  for await (const piece of utf8Pieces(pieces)) {
    let at = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, at)) {
      length += end - at;
      if (length <= LONGEST_LINE) parts.push(piece.subarray(at, end));
      at = end + 1;
      yield endLine();
      await turns.pass();
    }
    length += piece.length - at;
    if (length > LONGEST_LINE) parts = [];
    // A copy: the piece may be much longer than its last line.
    else if (at < piece.length) parts.push(Buffer.from(piece.subarray(at)));
  }
  if (length > 0) yield endLine();
}

/** Two bytes of UTF-16, or three of UTF-8. */
const LONGEST_MARK = 3;

async function* utf8Pieces(pieces: AsyncIterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  let decoder: TextDecoder | undefined;
  for await (const given of pieces) {
    let piece = typeof given === 'string' ? Buffer.from(given) : Buffer.from(given.buffer, given.byteOffset, given.length);
    if (start) {
      piece = Buffer.concat([start, piece]);
      start = piece.length < LONGEST_MARK ? piece : undefined;
      if (start) continue;
      decoder = utf16Decoder(piece);
      if (!decoder) piece = withoutMark(piece);
    }
    yield decoder ? Buffer.from(decoder.decode(piece, { stream: true })) : piece;
  }
  if (decoder) yield Buffer.from(decoder.decode());
  else if (start) yield start;
}

function utf16Decoder(start: Buffer): TextDecoder | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return new TextDecoder('utf-16le');
  return start[0] === 0xfe && start[1] === 0xff ? new TextDecoder('utf-16be') : undefined;
}

function withoutMark(start: Buffer): Buffer {
  return start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf ? start.subarray(3) : start;
}
