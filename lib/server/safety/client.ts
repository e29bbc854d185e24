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

/** The keys of a server. */
export class Keys {
  private readonly digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.digests = keys.map(digest);
  }

  /** Throws 401 where keys are needed and none of them was given. */
  require(request: FastifyRequest): void {
    if (this.digests.length === 0 || this.given(request)) return;
    const detail = keyOf(request) === undefined ? 'This server needs an API key.' : 'The API key is not one of this server.';
    throw new Refusal(401, 'ERR_KEY', detail, { hint: 'Send it as Authorization: Bearer KEY.' });
  }

  /** The same for all requests of one client: by its key where that is one of the server's, else by its address. */
  clientOf(request: FastifyRequest): string {
    const given = this.given(request);
    return given ? `key ${given.toString('hex').slice(0, 16)}` : `address ${request.ip}`;
  }

  /** The digest of the request's key, where that is one of the server's. Takes the same time for every wrong key. */
  private given(request: FastifyRequest): Buffer | undefined {
    const key = keyOf(request);
    if (key === undefined) return undefined;
    const given = digest(key);
    return this.digests.map((each) => timingSafeEqual(each, given)).includes(true) ? given : undefined;
  }
}
