/** Who a client is: for keys, for fairness, for jobs. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { Refusal } from '../answers/refusal';

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** The key of a request, wherever its client writes it: Bearer, X-API-Key, or the password of Basic. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const given = headers['x-api-key'];
  if (typeof given === 'string') return given;
  const [, scheme = '', value = ''] = /^(\w+) +(.+)$/.exec(headers.authorization ?? '') ?? [];
  if (/^bearer$/i.test(scheme)) return value.trim();
  if (!/^basic$/i.test(scheme)) return undefined;
  const pair = Buffer.from(value, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

/** Throws 401 where none of the keys was given. Takes the same time for every wrong key. */
export function requireKey(request: FastifyRequest, keys: readonly Buffer[]): void {
  if (keys.length === 0) return;
  const key = keyOf(request);
  const given = key === undefined ? undefined : digest(key);
  const isKnown = given !== undefined && keys.map((each) => timingSafeEqual(each, given)).includes(true);
  if (!isKnown) {
    throw new Refusal(401, 'ERR_KEY', key === undefined ? 'This server needs an API key.' : 'The API key is not one of this server.', {
      hint: 'Send it as Authorization: Bearer KEY.',
    });
  }
}

export function digestsOf(keys: readonly string[]): Buffer[] {
  return keys.map(digest);
}

/** The same for all requests of one client: by its key where that is one of the server's, else by its address. */
export function clientOf(request: FastifyRequest, keys: readonly string[]): string {
  const given = keyOf(request);
  const key = given !== undefined && keys.includes(given) ? given : undefined;
  return key === undefined ? `address ${request.ip}` : `key ${digest(key).toString('hex').slice(0, 16)}`;
}
