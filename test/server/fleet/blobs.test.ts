/** What workers bring to a door: who may, how much, and what becomes of it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance } from 'fastify';
import { blobRoutes } from '../../../lib/server/fleet/door/blob-routes';
import { type BlobLimits, Blobs, type Loan } from '../../../lib/server/fleet/door/blobs';
import { AtDoor } from '../../../lib/server/fleet/worker/at-door';
import { Spool } from '../../../lib/server/pictures/spool';
import { until } from './support/fleet';

const ended: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const LIMITS: BlobLimits = { answer: 1 << 20, answers: 3 << 20 };

async function doorOf(limits?: BlobLimits): Promise<{ app: FastifyInstance; blobs: Blobs; port: number; url: string }> {
  const spool = new Spool();
  const blobs = new Blobs(spool, limits);
  const app = Fastify();
  await app.register(async (routes) => blobRoutes(routes, blobs, { advertise: undefined }));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  ended.push(async () => {
    await app.close();
    spool.close();
  });
  return { app, blobs, url, port: (app.server.address() as { port: number }).port };
}

function lent({ blobs }: { blobs: Blobs }): Loan {
  const loan = blobs.loan();
  ended.push(() => loan[Symbol.dispose]());
  return loan;
}

/** `pieces` of it, one after the other. */
async function put(url: string, bytes: Buffer, pieces = 1): Promise<number> {
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  const { status } = await fetch(url, {
    method: 'PUT',
    body: Readable.toWeb(Readable.from(parts)) as never,
    duplex: 'half',
  } as RequestInit);
  return status;
}

const letters = (length: number): Buffer =>
  Buffer.from(
    randomBytes(Math.ceil(length / 2))
      .toString('hex')
      .slice(0, length),
  );

test.each([['Content-Length: 209715200'], ['Transfer-Encoding: chunked']])(
  'without a token, a body (%s) is refused before any of it has come, and the connection is closed',
  async (header) => {
    const { port } = await doorOf();
    const socket = connect(port, '127.0.0.1');
    socket.write(`PUT /fleet/blobs/nonsense HTTP/1.1\r\nHost: door\r\n${header}\r\n\r\n`);
    let said = '';
    socket.on('data', (part) => (said += part));
    await once(socket, 'close');
    expect(said).toMatch(/^HTTP\/1\.1 404 /);
  },
);

test('what is brought arrives as it was, in whatever pieces; large answers are files, and nothing is left of them', async () => {
  const door = await doorOf();
  for (let round = 0; round < 30; round += 1) {
    const loan = door.blobs.loan();
    const bytes = letters(1 + Math.floor(2 ** (Math.random() * 21)));
    expect(await put(loan.inbox(), bytes, 1 + Math.floor(Math.random() * 9))).toBe(204);
    const { stored } = (loan as unknown as { answer: { stored: Buffer | string } }).answer;
    expect(typeof stored).toBe(bytes.length > 128 << 10 ? 'string' : 'object');
    expect((await loan.received()) === bytes.toString()).toBe(true);
    loan[Symbol.dispose]();
    if (typeof stored === 'string') await until(() => !existsSync(stored));
  }
});

test('an answer that comes a second time changes nothing', async () => {
  const loan = lent(await doorOf());
  const inbox = loan.inbox();
  expect([await put(inbox, Buffer.from('first')), await put(inbox, letters(500_000))]).toEqual([204, 204]);
  expect(await loan.received()).toBe('first');
  loan[Symbol.dispose]();
  expect(await put(inbox, Buffer.from('late'))).toBe(404);
});

test('an answer whose request ends while it comes leaves nothing', async () => {
  const door = await doorOf(LIMITS);
  for (let round = 0; round < 10; round += 1) {
    const loan = door.blobs.loan();
    const inbox = loan.inbox();
    async function* parts(): AsyncGenerator<Buffer> {
      yield letters(400_000);
      loan[Symbol.dispose]();
      yield letters(400_000);
    }
    const { status } = await fetch(inbox, {
      method: 'PUT',
      body: Readable.toWeb(Readable.from(parts())) as never,
      duplex: 'half',
    } as RequestInit);
    expect(status).toBe(404);
  }
  // All of the room is there again.
  for (let i = 0; i < 3; i += 1) expect(await put(lent(door).inbox(), letters(1 << 20))).toBe(204);
});

test('no answer has more bytes than one may have, nor all together more than all may', async () => {
  const door = await doorOf(LIMITS);
  const there: { loan: Loan; size: number }[] = [];
  for (let round = 0; round < 60; round += 1) {
    const sum = there.reduce((all, { size }) => all + size, 0);
    const size = 1 + Math.floor(Math.random() * 1.3 * LIMITS.answer);
    const loan = lent(door);
    const status = await put(loan.inbox(), letters(size), 5);
    expect(status).toBe(size > LIMITS.answer && sum + LIMITS.answer <= LIMITS.answers ? 413 : status);
    if (status === 204) expect(sum + size).toBeLessThanOrEqual(LIMITS.answers);
    else expect(size > LIMITS.answer || sum + size > LIMITS.answers).toBe(true);
    if (status === 204) there.push({ loan, size });
    if (Math.random() < 0.4) there.splice(Math.floor(Math.random() * there.length), 1).forEach((each) => void each.loan[Symbol.dispose]());
    // Files are removed behind its back.
    await until(() => (door.blobs as unknown as { received: number }).received === there.reduce((all, each) => all + each.size, 0));
  }
});

test('a worker whose answer finds no room tries again, and then says so; one that is too large is not tried again', async () => {
  const door = await doorOf({ answer: 1000, answers: 1500 });
  const atDoor = new AtDoor();
  ended.push(() => atDoor.close());
  const never = new AbortController().signal;
  const first = lent(door);
  await atDoor.bring(first.inbox(), 'a'.repeat(1000), never);
  const second = lent(door);
  const inbox = second.inbox();
  await expect(atDoor.bring(inbox, 'b'.repeat(1000), never)).rejects.toMatchObject({ status: 503, code: 'ERR_BUSY', retryAfter: 1 });
  const later = atDoor.bring(inbox, 'd'.repeat(1000), never);
  first[Symbol.dispose]();
  await later;
  expect(await second.received()).toBe('d'.repeat(1000));
  second[Symbol.dispose]();
  await expect(atDoor.bring(lent(door).inbox(), 'e'.repeat(1001), never)).rejects.toMatchObject({ status: 500, code: 'ERR_RUNTIME' });
  await expect(atDoor.bring(inbox, 'f', never)).rejects.toMatchObject({ status: 499 });
});
