/** `/fleet/blobs/TOKEN`: for workers, who need no key but the token. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { Settled } from '../../options';
import { BLOBS } from '../wire';
import type { Blobs } from './blobs';

/** Bytes of one answer. */
const MOST_BYTES = 256 << 20;
const ANYWHERE = new Set(['0.0.0.0', '::', '']);

export function blobRoutes(app: FastifyInstance, blobs: Blobs, { advertise }: Pick<Settled, 'advertise'>): void {
  if (advertise !== undefined) blobs.listenAt(advertise.replace(/\/+$/, ''));
  else app.addHook('onListen', async () => blobs.listenAt(addressOf(app.server.address() as AddressInfo) + app.prefix));

  // The token is the key: no limit of a client's rate is for these.
  const options = { config: { isOpen: true }, schema: { hide: true } };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MOST_BYTES }, (_, body, done) => done(null, body));

  app.get<{ Params: { token: string } }>(`${BLOBS}:token`, options, async ({ params }, reply) => {
    const stored = blobs.find(params.token);
    if (stored === undefined) return reply.status(404).send({ error: 'This request has ended.' });
    reply.type('application/octet-stream').header('cache-control', 'no-store');
    if (typeof stored !== 'string') return reply.send(stored);
    const { size } = await stat(stored);
    return reply.header('content-length', size).send(createReadStream(stored));
  });

  app.put<{ Params: { token: string }; Body: Buffer }>(`${BLOBS}:token`, { ...options, bodyLimit: MOST_BYTES }, async (request, reply) =>
    reply.status(blobs.receive(request.params.token, request.body) ? 204 : 404).send(),
  );
}

/** What listens everywhere is reached by this machine's first address. */
function addressOf({ address, port }: AddressInfo): string {
  const host = ANYWHERE.has(address) ? ownAddress() : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function ownAddress(): string {
  const all = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? os.hostname();
}
