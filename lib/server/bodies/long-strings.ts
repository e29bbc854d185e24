/**
 * JSON with pictures in it. Reading 30 MB of Base64 with JSON.parse would hold the event loop for a tenth of a second, and what it makes is
 * garbage soon: long strings are taken out of the text as it comes, and a short name stands in their place.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parse } from 'secure-json-parse';
import { badRequest, Refusal } from '../answers/refusal';
import type { Spool, SpoolWriter } from '../pictures/spool';

/** Longer strings are taken out: longer than any text that a route takes. */
const LONG = 32 << 10;
/** The same of texts in escapes: six bytes a character. No picture has such escapes. */
const LONG_IN_ESCAPES = 6 * 10_100;
/** Of what is left. Parsing so much takes 2 to 20 ms, by what it is made of. */
const MOST_JSON = 4 << 20;
/** Numbers, strings, lists and objects together: millions of empty lists would take far longer than their bytes. */
const MOST_VALUES = 300_000;
const DEEPEST = 32;

const [QUOTE, BACKSLASH, COMMA, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST] = [0x22, 0x5c, 0x2c, 0x7b, 0x5b, 0x7d, 0x5d];

/** What stands in the place of a long string. A text of a client cannot be one: routes refuse texts with NUL in them. */
export function placeholder(number: number): string {
  return `\u0000long:${number}`;
}

export function placeOf(text: string): number | undefined {
  return text.startsWith('\u0000long:') ? Number(text.slice(6)) : undefined;
}

export interface ParsedBody {
  value: unknown;
  /** As they stood between their quotes, with their escapes. */
  strings: SpoolWriter[];
}

/** Rejects with 400 and 413. `most`: bytes of the body. */
export async function parseWithLongStrings(body: AsyncIterable<Buffer>, spool: Spool, most: number): Promise<ParsedBody> {
  const scanner = new Scanner(spool);
  try {
    let length = 0;
    for await (const part of body) {
      length += part.length;
      if (length > most) throw new Refusal(413, 'ERR_BODY_SIZE', `The body is larger than ${most} bytes.`);
      await scanner.push(part);
      await nextTurn();
    }
    return scanner.finish();
  } catch (error) {
    await Promise.all(scanner.strings.map((each) => each.discard()));
    throw error;
  }
}

/** A string that is being read. */
interface OpenString {
  /** Where it begins in the part that is being read. */
  start: number;
  /** Of earlier parts, as long as it is not long. */
  withheld: Buffer[];
  length: number;
  writer: SpoolWriter | undefined;
  /** The part before ended with a backslash that escapes what comes next. */
  escaped: boolean;
}

/** Python's json.dumps writes all but ASCII so. */
function hasEscapes({ withheld }: OpenString, piece: Buffer): boolean {
  return [...withheld, piece].some((part) => part.includes('\\u'));
}

function tooMuch(detail: string): Refusal {
  return new Refusal(413, 'ERR_BODY_SIZE', detail, {
    hint: 'Long lists of labels are sent to /v1/tables/NAME as text/plain, a label a line.',
  });
}

class Scanner {
  readonly strings: SpoolWriter[] = [];
  private readonly kept: Buffer[] = [];
  private keptLength = 0;
  private depth = 0;
  private values = 0;
  private string: OpenString | undefined;

  constructor(private readonly spool: Spool) {}

  /** What stands between two long strings is kept in one piece: a body of a million short ones is not a million buffers. */
  async push(part: Buffer): Promise<void> {
    let from = 0;
    if (this.string) this.string.start = 0;
    for (let at = 0; at < part.length; ) {
      if (!this.string) {
        at = this.nextString(part, at);
        continue;
      }
      const { string } = this;
      const end = this.endOfString(part, at);
      const piece = part.subarray(string.start, end < 0 ? part.length : end);
      string.length += piece.length;
      at = end < 0 ? part.length : end + 1;
      const isLong =
        string.writer !== undefined || string.length > (string.length > LONG && hasEscapes(string, piece) ? LONG_IN_ESCAPES : LONG);
      if (!isLong && end >= 0) {
        for (const earlier of string.withheld) this.keep(earlier);
        this.string = undefined;
        continue;
      }
      // What is before it in this part; of one that was begun in another part that is nothing.
      this.keep(part.subarray(from, string.start));
      from = at;
      if (!isLong) string.withheld.push(Buffer.from(piece));
      else await this.spoolAway(string, piece);
      if (end < 0) continue;
      await string.writer?.end();
      this.keep(Buffer.from(JSON.stringify(placeholder(this.strings.length - 1)).slice(1)));
      this.string = undefined;
    }
    this.keep(part.subarray(from));
  }

  finish(): ParsedBody {
    if (this.string) throw badRequest('The body is not valid JSON: a string does not end.');
    if (this.keptLength === 0) throw badRequest('The body is empty.');
    try {
      // It refuses __proto__, which would change what objects are.
      return { value: parse(Buffer.concat(this.kept).toString('utf8'), { constructorAction: 'ignore' }), strings: this.strings };
    } catch (error) {
      throw badRequest(`The body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
    }
  }

  private async spoolAway(string: OpenString, piece: Buffer): Promise<void> {
    if (!string.writer) {
      string.writer = this.spool.writer();
      this.strings.push(string.writer);
      for (const earlier of string.withheld) await string.writer.write(earlier);
      string.withheld = [];
    }
    await string.writer.write(piece);
  }

  /** Opens the next string. The place behind its quote, or the end of the part. */
  private nextString(part: Buffer, from: number): number {
    for (let at = from; at < part.length; at += 1) {
      const byte = part[at];
      if (byte === COMMA || byte === OPEN || byte === OPEN_LIST) this.countValue();
      if (byte === OPEN || byte === OPEN_LIST) {
        this.depth += 1;
        if (this.depth > DEEPEST) throw badRequest(`The JSON is nested more than ${DEEPEST} deep.`);
      } else if (byte === CLOSE || byte === CLOSE_LIST) this.depth -= 1;
      else if (byte === QUOTE) {
        this.string = { start: at + 1, withheld: [], length: 0, writer: undefined, escaped: false };
        return at + 1;
      }
    }
    return part.length;
  }

  private countValue(): void {
    this.values += 1;
    if (this.values > MOST_VALUES) throw tooMuch(`The JSON has more than ${MOST_VALUES} values.`);
  }

  /** The quote that ends it, or -1. */
  private endOfString(part: Buffer, start: number): number {
    const string = this.string as NonNullable<typeof this.string>;
    let from = start;
    if (string.escaped) {
      string.escaped = false;
      from += 1;
    }
    for (;;) {
      const quote = part.indexOf(QUOTE, from);
      const end = quote < 0 ? part.length : quote;
      let slashes = 0;
      while (end - 1 - slashes >= from && part[end - 1 - slashes] === BACKSLASH) slashes += 1;
      if (quote < 0) {
        string.escaped = slashes % 2 === 1;
        return -1;
      }
      if (slashes % 2 === 0) return quote;
      from = quote + 1;
    }
  }

  private keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.keptLength += piece.length;
    if (this.keptLength > MOST_JSON) {
      throw tooMuch(`The JSON without its pictures is longer than ${MOST_JSON >> 20} MiB.`);
    }
    // The memory of a part may be used again.
    this.kept.push(Buffer.from(piece));
  }
}
