import { createServer } from '../../lib/server';
import { APPLE, base64, ROCKET, type Served, served } from './served';

let server: Served;
afterEach(() => server.close());

test('while it starts, requests are told to come again', async () => {
  const app = createServer({ clip: ['sample'], caption: ['sample'], logger: false });
  const url = await app.listen({ port: 0 });
  server = { close: () => app.close() } as Served;
  const answer = await fetch(`${url}/v1/caption`, {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: new Uint8Array(APPLE),
  });
  if (answer.status !== 200) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await fetch(`${url}/live`)).status).toBe(200);
  await app.interrogator.started;
  expect((await fetch(`${url}/ready`)).status).toBe(200);
});

test('what was accepted is finished, what comes later is refused', async () => {
  server = await served();
  const body = { image: base64(ROCKET), modes: ['best'] };
  const accepted = Array.from({ length: 12 }, (_, i) => server.post('/v1/interrogate', { ...body, caption: `caption ${i}` }));
  const { queue } = server.app.interrogator.parts.stations.first;
  while (queue.counts.running + queue.counts.waiting < 12) await new Promise((resolve) => setTimeout(resolve, 2));
  const ended = server.app.interrogator.drain(60);
  const ready = await server.get('/ready');
  expect(ready.status).toBe(503);
  expect((await server.get('/live')).status).toBe(200);
  const late = await server.post('/v1/interrogate', body);
  expect(late).toMatchObject({ status: 503, body: { code: 'ERR_NOT_READY' } });
  expect(late.headers.get('retry-after')).not.toBeNull();
  for (const { status } of await Promise.all(accepted)) expect(status).toBe(200);
  await ended;
});

test('what lasts longer than the grace is cancelled, and told so', async () => {
  server = await served();
  const job = await server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['best'] }, { headers: { prefer: 'respond-async' } });
  const accepted = Array.from({ length: 20 }, (_, i) =>
    server.post('/v1/interrogate', { image: base64(ROCKET), modes: ['best'], caption: `c ${i}` }),
  );
  const { queue } = server.app.interrogator.parts.stations.first;
  while (queue.counts.running + queue.counts.waiting < 18) await new Promise((resolve) => setTimeout(resolve, 2));
  await server.app.interrogator.drain(0);
  const statuses = (await Promise.all(accepted)).map(({ status }) => status);
  for (const status of statuses) expect([200, 503]).toContain(status);
  expect(statuses).toContain(503);
  expect(job.status).toBe(202);
});

test('streams that are open do not keep it from ending', async () => {
  server = await served();
  const job = await server.post(
    '/v1/interrogate',
    { image: base64(ROCKET), modes: ['best'], caption: 'x' },
    { headers: { prefer: 'respond-async' } },
  );
  const events = await fetch(`${server.url}/v1/jobs/${job.body.id}/events`);
  await server.close();
  await events.text().catch(() => {});
});
