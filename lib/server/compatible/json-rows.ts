/** JSON with many numbers in it: written a piece a turn, because all at once would hold the event loop. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { base64Of } from '../routes/rank';

/** Writing so many takes 2 ms. */
const NUMBERS_PER_TURN = 8192;
/** Of labels with their scores; about as long. */
const ITEMS_PER_TURN = 2000;

/** A JSON text for each row, in a list or in Base64. */
export async function jsonRows(rows: readonly Float32Array[], encoding: 'float' | 'base64' = 'float'): Promise<string[]> {
  const texts: string[] = [];
  let numbers = 0;
  for (const row of rows) {
    texts.push(encoding === 'base64' ? `"${base64Of(row)}"` : JSON.stringify(Array.from(row)));
    numbers += row.length;
    if (numbers < NUMBERS_PER_TURN) continue;
    numbers = 0;
    await nextTurn();
  }
  return texts;
}

/** A JSON text of a list. */
export async function jsonList(items: readonly unknown[]): Promise<string> {
  const texts: string[] = [];
  for (let at = 0; at < items.length; at += ITEMS_PER_TURN) {
    if (at > 0) await nextTurn();
    texts.push(JSON.stringify(items.slice(at, at + ITEMS_PER_TURN)).slice(1, -1));
  }
  return `[${texts.join(',')}]`;
}

/** Sends a JSON text as it is. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json').send(text);
}

/** Whatever the names are: in an object of JavaScript, labels that are numbers would go first. */
export function jsonObject(entries: readonly (readonly [string, unknown])[]): string {
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}
