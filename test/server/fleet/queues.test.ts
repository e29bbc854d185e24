/** bull-board at /queues, of a server as users start it: what it needs is loaded by Node.js itself, which jest does not do. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Fleet } from '../../../lib/fleet';
import { cancelRun } from '../../../lib/fleet/runs/control';
import { submitRun } from '../../../lib/fleet/runs/submit';
import { TestRedis } from '../../fleet/support/redis';
import { Served } from '../../web/served';
import { IMAGES } from '../served';
import { until } from './support/fleet';

let folder: string;
let redis: TestRedis;
let fleet: Fleet;
let server: Served;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'queues-'));
  redis = await TestRedis.start();
  [server, fleet] = await Promise.all([
    Served.start(['--redis', redis.url, '--redis-prefix', 'board', '--api-key', 'secret']),
    Fleet.connect({ url: redis.url, prefix: 'board' }),
  ]);
}, 60_000);
afterAll(async () => {
  fleet?.close();
  await server?.kill();
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (route: string, init: RequestInit = {}): Promise<Response> =>
  fetch(new URL(route, server.address), { ...init, headers: { authorization: 'Bearer secret', ...init.headers } });

interface ShownQueue {
  name: string;
  readOnlyMode: boolean;
  description: string;
  counts: Record<string, number>;
}

async function shown(): Promise<ShownQueue[]> {
  const answer = await ask('/queues/api/queues');
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { queues: ShownQueue[] }).queues;
}

test('wants the key, as a password too', async () => {
  const none = await ask('/queues/', { headers: { authorization: '' } });
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic /)]);
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  expect((await ask('/queues/', { headers: { authorization: basic } })).status).toBe(200);
  expect((await ask('/queues/api/queues', { headers: { authorization: '' } })).status).toBe(401);
});

test.each([
  ['/queues', 'queues/'],
  ['/queues/', './'],
  ['/queues/?x=/a/b', './'],
  ['/queues/queue/run-a', '../'],
  ['/queues/queue/run-a/shard-0-0', '../../'],
])('%s asks nobody else, and finds its files by %s', async (route, base) => {
  const answer = await ask(route);
  const html = await answer.text();
  expect(html).toContain(`<base href="${base}" />`);
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(answer.headers.get('content-security-policy')).toMatch(/default-src 'none'.*connect-src 'self'/);
  const [, script = ''] = /src="(static\/js\/main[^"]+)"/.exec(html) ?? [];
  for (const file of [script, 'base.js']) {
    const found = await ask(new URL(`${base}${file}`, `http://host${route}`).pathname);
    expect([found.status, found.headers.get('content-type')]).toEqual([200, expect.stringMatching(/javascript/)]);
  }
});

test('shows the queues of open runs as they come and go, and changes none', async () => {
  expect((await shown()).map(({ name }) => name)).toEqual([expect.stringMatching(/^requests-/)]);
  const id = await submitRun(fleet, IMAGES, {
    config: { clipModelName: 'sample', captionModelName: 'sample' },
    out: [path.join(folder, 'q.csv')],
    title: 'the sample pictures',
  });
  const queue = `run-${id}`;
  await until(async () => (await shown()).some(({ name }) => name === queue));
  expect((await shown()).find(({ name }) => name === queue)).toMatchObject({
    ...{ readOnlyMode: true, description: 'the sample pictures', counts: { waiting: 1 } },
  });
  for (const action of ['pause', 'empty', 'obliterate']) {
    expect((await ask(`/queues/api/queues/${queue}/${action}`, { method: 'PUT' })).status).toBe(405);
  }
  expect((await ask('/queues/api/queues/pause', { method: 'PUT', headers: { origin: 'https://elsewhere.example' } })).status).toBe(403);
  expect((await shown()).find(({ name }) => name === queue)?.counts).toMatchObject({ waiting: 1 });
  await cancelRun(fleet, id);
  await until(async () => !(await shown()).some(({ name }) => name === queue));
}, 20_000);

test('a Redis that is away is 503, and the page itself is there', async () => {
  await redis.kill();
  await until(async () => (await ask('/queues/api/queues')).status === 503);
  expect((await ask('/queues/')).status).toBe(200);
  await redis.startAgain();
  await until(async () => (await ask('/queues/api/queues')).status === 200);
}, 20_000);
