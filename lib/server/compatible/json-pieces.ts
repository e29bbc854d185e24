/** JSON with much in it: written piece by piece as the client takes it, because all at once would hold the event loop. */
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { base64Of } from '../answers/base64-of';

/** Characters. Writing so many takes about 1 ms. */
const PIECE = 64 << 10;

/** A list of JSON texts. */
export function* jsonList<T>(items: Iterable<T>, json: (item: T, index: number) => string | Iterable<string>): Generator<string> {
  let index = 0;
  yield '[';
  for (const item of items) {
    if (index > 0) yield ',';
    const text = json(item, index);
    if (typeof text === 'string') yield text;
    else yield* text;
    index += 1;
  }
  yield ']';
}

/** A row of features. */
export function jsonRow(row: Float32Array, encoding: 'float' | 'base64' = 'float'): string {
  return encoding === 'base64' ? `"${base64Of(row)}"` : JSON.stringify(Array.from(row));
}

/** An object with the fields of `head`, and one more whose JSON is `pieces`. */
export function* jsonWith(head: object, name: string, pieces: string | Iterable<string>): Generator<string> {
  const fields = JSON.stringify(head).slice(0, -1);
  yield `${fields}${fields === '{' ? '' : ','}"${name}":`;
  if (typeof pieces === 'string') yield pieces;
  else yield* pieces;
  yield '}';
}

/** Whatever the names are: in an object of JavaScript, labels that are numbers would go first. */
export function jsonObject(entries: readonly (readonly [string, unknown])[]): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** Sends a JSON text: a short one at once, a long one as a stream. */
export function sendJson(reply: FastifyReply, pieces: Iterable<string>): FastifyReply {
  const gathered = gather(pieces);
  const first = gathered.next();
  const second = first.done ? first : gathered.next();
  reply.type('application/json');
  if (second.done) return reply.send(first.done ? '' : first.value);
  return reply.send(Readable.from(joined([first.value as string, second.value], gathered)));
}

function* gather(pieces: Iterable<string>): Generator<string, undefined> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < PIECE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

/** A turn each: a client on the same machine may take all as fast as it is written. */
async function* joined(begin: readonly string[], rest: Iterable<string>): AsyncGenerator<Buffer> {
  for (const text of begin) yield Buffer.from(text);
  for (const text of rest) {
    yield Buffer.from(text);
    await nextTurn();
  }
}
