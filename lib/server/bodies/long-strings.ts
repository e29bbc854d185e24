/**
 * JSON with pictures in it. Reading 30 MB of Base64 with JSON.parse would hold the event loop for a tenth of a second: long strings are
 * taken out of the text before, as slices of the body, and a short name stands in their place.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { badRequest, Refusal } from '../answers/refusal';

/** Longer strings are taken out: longer than any text that a route takes. */
const LONG = 32 << 10;
/** Of what is left. Parsing so much takes 20 ms or so. */
const MOST_JSON = 4 << 20;
const DEEPEST = 32;
const BYTES_PER_TURN = 1 << 20;

const [QUOTE, BACKSLASH, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST] = [0x22, 0x5c, 0x7b, 0x5b, 0x7d, 0x5d];

/** What stands in the place of a long string. A text of a client cannot be one: routes refuse texts with NUL in them. */
export function placeholder(number: number): string {
  return `\u0000long:${number}`;
}

export function placeOf(text: string): number | undefined {
  return text.startsWith('\u0000long:') ? Number(text.slice(6)) : undefined;
}

/** The body without its long strings, which are slices of it, with their escapes. Rejects with 400 and 413. */
export async function parseWithLongStrings(body: Buffer): Promise<{ value: unknown; strings: Buffer[] }> {
  const strings: Buffer[] = [];
  const kept: Buffer[] = [];
  let from = 0;
  let depth = 0;
  let turn = BYTES_PER_TURN;
  for (let at = 0; at < body.length; at += 1) {
    if (at > turn) {
      await nextTurn();
      turn = at + BYTES_PER_TURN;
    }
    const byte = body[at];
    if (byte === OPEN || byte === OPEN_LIST) {
      depth += 1;
      if (depth > DEEPEST) throw badRequest(`The JSON is nested more than ${DEEPEST} deep.`);
    } else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
    if (byte !== QUOTE) continue;
    const end = endOfString(body, at + 1);
    if (end < 0) throw badRequest('The body is not valid JSON: a string does not end.');
    if (end - at > LONG) {
      kept.push(body.subarray(from, at + 1), Buffer.from(JSON.stringify(placeholder(strings.length)).slice(1, -1)));
      strings.push(body.subarray(at + 1, end));
      from = end;
    }
    at = end;
  }
  kept.push(body.subarray(from));
  const length = kept.reduce((sum, part) => sum + part.length, 0);
  if (length > MOST_JSON) {
    throw new Refusal(413, 'ERR_BODY_SIZE', `The JSON without its pictures is longer than ${MOST_JSON >> 20} MiB.`, {
      hint: 'Long lists of labels are sent to /v1/tables/NAME as text/plain, a label a line.',
    });
  }
  try {
    return { value: JSON.parse(Buffer.concat(kept).toString('utf8'), withoutPrototypes), strings };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw badRequest(`The body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** The quote that ends the string. */
function endOfString(body: Buffer, start: number): number {
  for (let from = start; ; ) {
    const quote = body.indexOf(QUOTE, from);
    if (quote < 0) return -1;
    let slashes = 0;
    while (quote - 1 - slashes >= start && body[quote - 1 - slashes] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote;
    from = quote + 1;
  }
}

/** Names that would change what objects are. */
function withoutPrototypes(this: unknown, key: string, value: unknown): unknown {
  if (key === '__proto__') throw badRequest('The body has a field __proto__.');
  return value;
}
