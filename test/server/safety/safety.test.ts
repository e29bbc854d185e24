import { createServer as createHttp, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { deflateSync } from 'node:zlib';
import { APPLE, base64, type Served, served } from '../served';

let server: Served;
afterEach(() => server?.close());

test('without a key nothing but the page and the health is answered', async () => {
  server = await served({ apiKey: ['first', 'second'] });
  for (const route of ['/live', '/ready', '/openapi.json']) expect((await server.get(route)).status).toBe(200);
  for (const route of ['/v1/models', '/v1/status', '/metrics', '/v1/jobs']) {
    expect(await server.get(route)).toMatchObject({ status: 401 });
    for (const authorization of ['Bearer wrong', 'Bearer ', 'Basic Zmlyc3Q=', 'first']) {
      expect((await server.get(route, { headers: { authorization } })).status).toBe(401);
    }
    const basic = `Basic ${Buffer.from('me:second').toString('base64')}`;
    for (const authorization of ['Bearer first', 'bearer second', basic]) {
      expect((await server.get(route, { headers: { authorization } })).status).toBe(200);
    }
    expect((await server.get(route, { headers: { 'x-api-key': 'first' } })).status).toBe(200);
  }
});

test("jobs are their client's alone", async () => {
  server = await served({ apiKey: ['a', 'b'] });
  const as = (key: string) => ({ authorization: `Bearer ${key}` });
  const { body } = await server.post('/v1/caption', { image: base64(APPLE) }, { headers: { ...as('a'), prefer: 'respond-async' } });
  expect((await server.get(`/v1/jobs/${body.id}`, { headers: as('a') })).status).toBe(200);
  expect((await server.get(`/v1/jobs/${body.id}`, { headers: as('b') })).status).toBe(404);
  expect((await server.get('/v1/jobs', { headers: as('b') })).body.jobs).toEqual([]);
});

/** fetch() does not send another host's name. */
function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode as number);
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('pages of other origins, and names that lead here, are refused', async () => {
  server = await served({ allowedHosts: ['good.example'], cors: ['https://friend.example'] });
  const { port } = new URL(server.url);
  expect(await ask(`${server.url}/v1/status`, { host: `evil.example:${port}` })).toBe(403);
  expect(await ask(`${server.url}/v1/status`, { host: `good.example:${port}` })).toBe(200);
  expect(await ask(`${server.url}/v1/status`, { host: `localhost:${port}` })).toBe(200);
  const post = (headers: Record<string, string>): Promise<number> => ask(`${server.url}/v1/models/pull`, headers, 'POST');
  expect(await post({ origin: 'https://evil.example' })).toBe(403);
  expect(await post({ 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await post({ origin: 'null' })).toBe(403);
  for (const origin of [server.url, 'https://friend.example']) expect(await post({ origin })).not.toBe(403);
});

test('URLs are fetched where they are allowed, from public addresses alone', async () => {
  server = await served();
  const url = 'http://example.org/a.png';
  expect(await server.post('/v1/caption', { image: url })).toMatchObject({ status: 403, body: { code: 'ERR_IMAGE_URL' } });
  await server.close();

  const inner = createHttp((_, answer) => answer.end(APPLE));
  await new Promise<void>((resolve) => inner.listen(0, '127.0.0.1', resolve));
  const { port } = inner.address() as AddressInfo;
  server = await served({ allowUrls: true });
  const refused = [
    `http://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    `http://[::1]:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
    `http://2130706433:${port}/`,
    `http://0x7f.1:${port}/`,
    `http://0.0.0.0:${port}/`,
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://172.16.0.1/',
    'http://100.64.0.1/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://[64:ff9b::7f00:1]/',
  ];
  for (const image of refused)
    expect(await server.post('/v1/caption', { image })).toMatchObject({ status: 403, body: { code: 'ERR_IMAGE_URL' } });
  for (const image of ['file:///etc/passwd', 'ftp://example.org/a', 'gopher://x', 'http://user:pw@example.org/']) {
    const { status } = await server.post('/v1/caption', { image });
    expect([400, 403, 422]).toContain(status);
  }
  inner.close();
});

/** A PNG of a header that claims so many pixels, and hardly any bytes. */
function bomb(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(data.length);
    head.write(type, 4, 'latin1');
    const { crc32 } = require('node:zlib') as { crc32(data: Buffer): number };
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), data])));
    return Buffer.concat([head, data, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1 << 20))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('pictures that claim more pixels than are allowed are refused by their header', async () => {
  server = await served({ maxPixels: 1_000_000 });
  for (const [width, height] of [
    [1001, 1000],
    [60_000, 60_000],
    [2 ** 31 - 1, 2 ** 31 - 1],
  ] as const) {
    expect((await server.post('/v1/caption', { image: base64(bomb(width, height)) })).status).toBe(422);
  }
});

test('what is too large is refused, in each form', async () => {
  server = await served({ maxBody: 100_000 });
  const large = Buffer.alloc(200_000, 65);
  expect((await server.post('/v1/caption', { image: base64(large) })).status).toBe(413);
  expect((await server.post('/v1/caption', large, { headers: { 'content-type': 'image/png' } })).status).toBe(413);
  const form = new FormData();
  form.append('image', new Blob([large]), 'a.png');
  expect((await server.post('/v1/caption', form)).status).toBe(413);
  // In chunks, whose length nobody said.
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(50_000)),
  });
  const answer = await fetch(`${server.url}/v1/caption`, {
    method: 'POST',
    body: stream as never,
    headers: { 'content-type': 'image/png' },
    duplex: 'half',
  } as RequestInit).catch((error) => error);
  // The connection may be closed while it is still sending.
  expect([413, undefined]).toContain((answer as Response).status);
  expect((await server.get('/ready')).status).toBe(200);
});

test('ten thousand labels of ten thousand characters, and JSON nested deep', async () => {
  server = await served();
  const labels = `["${Array.from({ length: 2000 }, () => 'x'.repeat(10_000)).join('","')}"]`;
  const huge = await server.get('/v1/rank', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"image":"AA==","labels":${labels}}`,
  });
  expect(huge.status).toBe(413);
  const deep = await server.get('/v1/rank', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: `{"image":${'['.repeat(100_000)}`,
  });
  expect(deep.status).toBe(400);
});

test('an id of a client comes into no header as it likes', async () => {
  server = await served();
  const kept = await server.get('/ready', { headers: { 'x-request-id': 'abc-123' } });
  expect(kept.headers.get('x-request-id')).toBe('abc-123');
  for (const id of ['a b', '<script>', 'x'.repeat(200), 'a;b']) {
    const answer = await server.get('/ready', { headers: { 'x-request-id': id } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]+$/);
  }
});

test.each(['/..%2f..%2fetc/passwd', '/%2e%2e/package.json', '/assets/../../package.json', '/docs/..%2f..%2fpackage.json', '//etc/passwd'])(
  '%s leads nowhere',
  async (route) => {
    server = await served();
    const answer = await server.get(route);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(String(answer.body)).not.toContain('devDependencies');
  },
);

test('who sends slowly holds no connection for long', async () => {
  server = await served({ requestTimeout: 1 });
  const { port } = new URL(server.url);
  const ended = new Promise<string>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1');
    let said = '';
    socket.write('POST /v1/caption HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 200);
    socket.on('data', (data) => {
      said += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(drip);
      resolve(said);
    });
  });
  expect(await ended).toMatch(/^HTTP\/1.1 408/);
}, 30_000);
