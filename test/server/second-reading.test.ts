/** What a server did wrong once. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Fastify from 'fastify';
import { createServer, interrogatorPlugin } from '../../lib/server';
import { Spool } from '../../lib/server/pictures/spool';
import { APPLE, base64, type Served, served } from './served';

let server: Served | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

test('a caption that is too long for a body is refused, and the file stays as it was', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pictures-'));
  writeFileSync(path.join(folder, 'a.png'), APPLE);
  writeFileSync(path.join(folder, 'a.txt'), 'mine\n');
  server = await served({ folder });
  const [{ id }] = (await server.get('/v1/folder/pictures')).body.pictures;
  const put = (body: object) =>
    (server as Served).post(`/v1/folder/pictures/${id}/caption`, body, { method: 'PUT' }).then(({ status }) => status);
  for (const length of [20_001, 40_000, 200_000]) {
    expect(await put({ caption: 'x'.repeat(length) })).toBe(400);
    expect(await put({ caption: 'a', expected: 'x'.repeat(length) })).toBe(400);
  }
  expect(await put({ caption: '\u0000long:0' })).toBe(400);
  expect(readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe('mine\n');
  expect(await put({ caption: 'x'.repeat(19_000), expected: 'mine' })).toBe(200);
  expect(readFileSync(path.join(folder, 'a.txt'), 'utf8')).toBe(`${'x'.repeat(19_000)}\n`);
});

test('an answer that is being sent when the server ends arrives whole', async () => {
  server = await served();
  const text = Array.from({ length: 1000 }, (_, i) => `text ${i}`);
  const asked = fetch(`${server.url}/v1/features`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  });
  const answer = await asked;
  const ended = server.app.interrogator.drain(30).then(() => (server as Served).close());
  expect(((await answer.json()) as { features: unknown[] }).features).toHaveLength(1000);
  await ended;
  server = undefined;
});

test('a client that stalls in the middle of an upload does not keep the server from ending', async () => {
  server = await served({ requestTimeout: 600 });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => {});
  socket.write('POST /v1/caption HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\nabc');
  await new Promise((resolve) => setTimeout(resolve, 100));
  await server.app.interrogator.drain(1);
  await server.close();
  server = undefined;
  socket.destroy();
}, 20_000);

test('the limit of a body is of all parts of a form together', async () => {
  server = await served({ maxBody: 100_000 });
  const form = (parts: number, bytes: number, asFile: boolean): FormData => {
    const made = new FormData();
    for (let i = 0; i < parts; i += 1) {
      const content = 'x'.repeat(bytes);
      if (asFile) made.append('image', new Blob([content]), `${i}.png`);
      else made.append(`field${i}`, content);
    }
    return made;
  };
  for (const asFile of [true, false]) {
    expect((await server.post('/v1/caption', form(20, 50_000, asFile))).status).toBe(413);
    expect((await server.post('/v1/caption', form(3, 10_000, asFile))).status).not.toBe(413);
  }
});

test('answers of too many numbers are refused', async () => {
  server = await served();
  const { body } = await server.post('/v1/features', { image: base64(APPLE) });
  const image = Array.from({ length: 400 }, () => `picture:${body.pictures[0].id}`);
  const labels = Array.from({ length: 2000 }, (_, i) => `label ${i}`);
  expect((await server.post('/v1/rank', { image, labels, topCount: 2000 })).status).toBe(400);
  expect((await server.post('/v1/similarity', { image, text: labels })).status).toBe(400);
});

test('lists of one name at the same time are written one after the other', async () => {
  server = await served();
  const put = (labels: string[], name: string) =>
    (server as Served).post(`/v1/tables/${name}`, { labels }, { method: 'PUT' }).then(({ status }) => status);
  const asked = Array.from({ length: 12 }, (_, i) => put([`a ${i % 3}`, 'b'], i % 2 ? 'one' : 'two'));
  for (const status of await Promise.all(asked)) expect([200, 202]).toContain(status);
});

test('files of a client that left are not kept, and no path of them is told', async () => {
  server = await served();
  const large = Buffer.concat([APPLE, Buffer.alloc(200_000)]);
  const asked = Array.from({ length: 20 }, async (_, i) => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), i);
    await fetch(`${(server as Served).url}/v1/caption`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: new Uint8Array(Buffer.concat([large, Buffer.from([i])])),
      signal: abort.signal,
    }).catch(() => {});
  });
  await Promise.all(asked);
  const broken = await server.post('/v1/caption', Buffer.alloc(300_000, 66), { headers: { 'content-type': 'image/png' } });
  expect(broken.status).toBe(422);
  expect(broken.body.detail).not.toContain(tmpdir());
  for (let i = 0; i < 20; i += 1) {
    const { createHash } = await import('node:crypto');
    const id = createHash('sha256')
      .update(Buffer.concat([large, Buffer.from([i])]))
      .digest('hex');
    const { status, body } = await server.post('/v1/caption', { image: `picture:${id}` });
    expect([200, 404]).toContain(status);
    if (status === 404) expect(body.code).toBe('ERR_PICTURE_FORGOTTEN');
  }
});

test('the plugin fits into an app that reads forms, and has its own answer for what is not found', async () => {
  const app = Fastify();
  await app.register(require('@fastify/multipart'));
  app.setNotFoundHandler((_, reply) => reply.status(404).send({ mine: true }));
  await app.register(interrogatorPlugin, { prefix: '/interrogator', clip: ['sample'], caption: ['sample'] });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  await app.interrogator.started;
  const get = async (route: string): Promise<unknown> => (await fetch(url + route)).json();
  expect(await get('/nothing')).toEqual({ mine: true });
  expect(await get('/interrogator/nothing')).toMatchObject({ code: 'ERR_NOT_FOUND' });
  expect(await get('/interrogator/ready')).toEqual({ status: 'ready' });
  const form = new FormData();
  form.append('image', new Blob([APPLE]), 'a.png');
  const captioned = await fetch(`${url}/interrogator/v1/caption`, { method: 'POST', body: form });
  expect(captioned.status).toBe(200);
  expect(app.interrogator.settings.allowPull).toBe(false);
  await app.close();
});

test('without a prefix, what is not found is answered by the app', async () => {
  const app = Fastify();
  app.setNotFoundHandler((_, reply) => reply.status(404).send({ mine: true }));
  await app.register(interrogatorPlugin, { clip: ['sample'], caption: ['sample'], apiKey: ['a'] });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  expect(await (await fetch(`${url}/nothing`)).json()).toEqual({ mine: true });
  await app.close();
});

test('a folder that a killed server left is removed, whatever else lies there', async () => {
  const { mkdirSync } = await import('node:fs');
  const left = path.join(tmpdir(), 'torch-interrogator-serve-999999999-abc');
  mkdirSync(left, { recursive: true });
  const spool = new Spool();
  const writer = spool.writer();
  await writer.write(Buffer.alloc(300_000));
  await writer.end();
  expect(readdirSync(tmpdir())).not.toContain(path.basename(left));
  spool.close();
});

test('a job that was accepted waits for its turn, however much there is to do', async () => {
  server = await served({ maxWait: 0, maxWaiting: 40 });
  const ask = (i: number) =>
    (server as Served).post(
      '/v1/interrogate',
      { image: base64(APPLE), modes: ['best'], caption: `c ${i}` },
      { headers: { prefer: 'respond-async' } },
    );
  const jobs = await Promise.all(Array.from({ length: 6 }, (_, i) => ask(i)));
  for (const { status, body } of jobs) {
    expect(status).toBe(202);
    let state = 'running';
    for (; state === 'running'; await new Promise((resolve) => setTimeout(resolve, 50))) {
      state = (await server.get(`/v1/jobs/${body.id}`)).body.state;
    }
    expect(state).toBe('done');
  }
}, 60_000);

test('a table that is deleted, or replaced, leaves nothing behind', async () => {
  const folders = { tables: mkdtempSync(path.join(tmpdir(), 'tables-')), embeddings: mkdtempSync(path.join(tmpdir(), 'embeddings-')) };
  server = await served({ tables: folders.tables, config: { cachePath: folders.embeddings } });
  const before = readdirSync(folders.embeddings);
  const put = async (labels: string[]): Promise<void> => {
    const { body } = await (server as Served).post('/v1/tables/mine', { labels }, { method: 'PUT' });
    while ((await (server as Served).get(`/v1/jobs/${body.id}`)).body.state === 'running');
  };
  const own = (): string[] => readdirSync(folders.embeddings).filter((name) => !before.includes(name));
  await put(['a cat', 'a dog']);
  const [first, ...more] = own();
  expect(first).toMatch(/_table-[0-9a-f]{16}\.safetensors$/);
  expect(more).toEqual([]);
  await put(['a cat', 'a bird']);
  expect(own()).toHaveLength(1);
  expect(own()).not.toContain(first);
  expect((await server.get('/v1/tables/mine', { method: 'DELETE' })).status).toBe(204);
  expect(own()).toEqual([]);
  expect(readdirSync(folders.tables)).toEqual([]);
});

test('a server keeps only so many tables', async () => {
  const tables = mkdtempSync(path.join(tmpdir(), 'tables-'));
  for (let i = 0; i < 1000; i += 1) {
    writeFileSync(path.join(tables, `t${i}.table.json`), JSON.stringify({ name: `t${i}`, count: 1, digest: 'a'.repeat(64) }));
  }
  server = await served({ tables });
  const put = (name: string) => (server as Served).post(`/v1/tables/${name}`, { labels: ['a'] }, { method: 'PUT' });
  const { status, body } = await put('one-more');
  expect({ status, code: body.code }).toEqual({ status: 409, code: 'ERR_CONFLICT' });
  expect((await put('t7')).status).toBe(202);
});

test('models that cannot be opened are told of in the log, and by /ready', async () => {
  const lines: string[] = [];
  const app = createServer({
    clip: ['nosuch'],
    logger: { level: 'error', stream: { write: (line: string) => void lines.push(line) } } as never,
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  await expect(app.interrogator.started).rejects.toMatchObject({ code: 'ERR_MODEL_UNKNOWN' });
  expect(await (await fetch(`${url}/ready`)).json()).toEqual({ status: 'failed' });
  expect(lines.join('')).toContain('the models cannot be opened');
  await app.close();
});

test('a folder that is none is refused at the start', () => {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'folder-')), 'a.png');
  writeFileSync(file, APPLE);
  for (const folder of [file, `${file}-more`]) {
    expect(() => createServer({ folder, clip: ['sample'] })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
  }
});

test('a run that is paused at once is paused, and its errors name their pictures', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pictures-'));
  writeFileSync(path.join(folder, 'a.png'), APPLE);
  writeFileSync(path.join(folder, 'b.png'), APPLE.subarray(0, 60));
  server = await served({ folder });
  const post = (route: string) => (server as Served).post(`/v1/folder/${route}`, {});
  expect((await post('run')).body.state).toBe('running');
  expect((await post('run/pause')).body.state).toBe('paused');
  expect((await post('run/resume')).body.state).toBe('running');
  while ((await server.get('/v1/folder')).body.run.state === 'running');
  const { pictures } = (await server.get('/v1/folder/pictures?filter=failed')).body;
  expect(pictures).toEqual([
    expect.objectContaining({ path: 'b.png', error: expect.objectContaining({ message: expect.stringContaining('b.png') }) }),
  ]);
});

test('a field that comes twice and is to come once is refused, and what a body may have is told', async () => {
  server = await served();
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(APPLE)]), 'a.png');
  for (const table of ['flavors', 'mediums']) form.append('table', table);
  expect((await server.post('/v1/rank', form)).status).toBe(400);
  const { status, body } = await server.post('/v1/rank', { image: base64(APPLE), table: 'flavors', top: 2 });
  expect(status).toBe(400);
  expect(body.hint).toContain('topCount');
});

test('a request to delete may have a type and no body', async () => {
  server = await served();
  const { status } = await server.get('/v1/tables/nothing', { method: 'DELETE', headers: { 'content-type': 'application/json' } });
  expect(status).toBe(404);
});

test('who asks too often is told when to come again', async () => {
  server = await served({ rateLimit: 2 });
  for (let i = 0; i < 2; i += 1) await server.get('/v1/models');
  const { status, headers, body } = await server.get('/v1/models');
  expect({ status, code: body.code }).toEqual({ status: 429, code: 'ERR_RATE' });
  expect(body.retryAfter).toBeGreaterThan(1);
  expect(Number(headers.get('retry-after'))).toBe(body.retryAfter);
});

test('/docs works below a path, and without TLS', async () => {
  server = await served();
  const { status, headers } = await server.get('/docs', { redirect: 'manual' });
  expect({ status, location: headers.get('location') }).toEqual({ status: 302, location: 'docs/' });
  const page = await server.get('/docs/');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  expect(page.headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests');
  const links = [...(page.body as string).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string);
  expect(links.length).toBeGreaterThan(2);
  for (const link of links) {
    expect(link).toMatch(/^\.\//);
    expect((await server.get(`/docs/${link.slice(2)}`)).status).toBe(200);
  }
});
