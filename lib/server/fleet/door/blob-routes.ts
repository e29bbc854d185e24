/** `/fleet/blobs/TOKEN`: for workers, who need no key but the token. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { sendProblem } from '../../answers/problem';
import { toRefusal } from '../../answers/to-refusal';
import type { Settled } from '../../options';
import { BLOBS } from '../wire';
import type { Blobs } from './blobs';

const ANYWHERE = new Set(['0.0.0.0', '::', '']);

type OfToken = { Params: { token: string } };

export function blobRoutes(app: FastifyInstance, blobs: Blobs, { advertise }: Pick<Settled, 'advertise'>): void {
  if (advertise !== undefined) blobs.listenAt(advertise.replace(/\/+$/, ''));
  else app.addHook('onListen', async () => blobs.listenAt(addressOf(app.server.address() as AddressInfo) + app.prefix));

  // The token is the key: no limit of a client's rate is for these.
  const options = { config: { isOpen: true }, schema: { hide: true } };
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, toRefusal(error)));
  app.removeAllContentTypeParsers();
  // Nothing of a body is read before the route asks for it.
  app.addContentTypeParser('*', (_, body, done) => done(null, body));

  app.get<OfToken>(`${BLOBS}:token`, options, async ({ params }, reply) => {
    const stored = blobs.find(params.token);
    if (stored === undefined) return sendEnded(reply);
    reply.type('application/octet-stream').header('cache-control', 'no-store');
    if (typeof stored !== 'string') return reply.send(stored);
    const { size } = await stat(stored);
    return reply.header('content-length', size).send(createReadStream(stored));
  });

  app.put<OfToken & { Body?: Readable }>(
    `${BLOBS}:token`,
    {
      ...options,
      // Before the body: who has no token may send what they like, and nothing of it is read.
      onRequest: async ({ params }, reply) => (blobs.isAwaited((params as OfToken['Params']).token) ? undefined : sendEnded(reply)),
    },
    async ({ params, body = Readable.from([]) }, reply) => {
      // A worker that still sends hears the answer when all was read.
      const isWanted = await blobs.receive(params.token, body).finally(() => body.resume());
      return isWanted ? reply.status(204).send() : sendEnded(reply);
    },
  );
}

/** What is still to come on the connection is not read. */
function sendEnded(reply: FastifyReply): FastifyReply {
  return reply.status(404).header('connection', 'close').send({ error: 'This request has ended.' });
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
