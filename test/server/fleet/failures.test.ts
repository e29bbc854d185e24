import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Fleet } from '../../../lib/fleet/redis/connect';
import { Heartbeat } from '../../../lib/fleet/redis/workers';
import { REQUESTS } from '../../../lib/fleet/requests/wire';
import { createServer } from '../../../lib/server';
import { TestProxy, TestRedis } from '../../fleet/support/redis';
import { type Answer, APPLE, base64, ROCKET, type Served, served } from '../served';
import { door, TestWorker, until } from './support/fleet';

let redis: TestRedis;
let local: Served;
const ended: (() => Promise<unknown> | unknown)[] = [];

beforeAll(async () => {
  local = await served();
});
// One each: workers that were killed are thought to live for a while.
beforeEach(async () => {
  redis = await TestRedis.start();
  ended.push(() => redis.stop());
});
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});
afterAll(() => local?.close());

async function worker(env: NodeJS.ProcessEnv = {}): Promise<TestWorker> {
  const started = await TestWorker.start(redis, env);
  ended.push(() => started.kill());
  return started;
}

async function doorBefore(workers: number, options: Parameters<typeof served>[0] = {}): Promise<Served> {
  const server = await door(redis, workers, options);
  ended.push(() => server.close());
  return server;
}

/** Each one of its own: no cache has it. */
function ask(server: Served, number: number): Promise<Answer> {
  const image = base64(number % 2 === 0 ? APPLE : ROCKET);
  return server.post('/v1/interrogate', { image, modes: ['best', 'fast'], caption: `thing ${number}` });
}

const theirs: Promise<Answer>[] = [];

async function expectLikeLocal(answers: readonly Answer[]): Promise<void> {
  for (const [number, { status, body }] of answers.entries()) {
    expect({ status, body }).toMatchObject({ status: 200 });
    theirs[number] ??= ask(local, number);
    expect(body.descriptions).toEqual((await theirs[number]).body.descriptions);
  }
}

test('workers that are killed in the middle of requests cost nothing but time', async () => {
  let workers = [await worker(), await worker()];
  const server = await doorBefore(2, { cache: 0 });
  const asked = Promise.all(Array.from({ length: 30 }, (_, number) => ask(server, number)));
  for (let round = 0; round < 3; round += 1) {
    await until(() => server.app.interrogator.parts.devices.lines[0]?.running !== 0);
    await sleep(300);
    const [first, second] = workers as [TestWorker, TestWorker];
    await first.kill();
    workers = [second, await worker()];
  }
  await expectLikeLocal(await asked);
});

test('a Redis that is killed, and one that is away for a while, cost nothing but time', async () => {
  const proxy = await TestProxy.before(redis);
  ended.push(() => proxy.close());
  await worker();
  const started = await TestWorker.start(proxy);
  ended.push(() => started.kill());
  const server = await door(proxy, 2, { cache: 0 });
  ended.push(() => server.close());
  const asked = Promise.all(Array.from({ length: 20 }, (_, number) => ask(server, number)));
  await sleep(500);
  proxy.cut();
  await sleep(500);
  await redis.kill();
  await sleep(500);
  await redis.startAgain();
  await sleep(500);
  proxy.block();
  await sleep(1500);
  proxy.restore();
  await expectLikeLocal(await asked);
});

test('a worker that is stopped past its lock is no loss, and does no harm when it goes on', async () => {
  const frozen = await worker();
  const server = await doorBefore(1, { cache: 0 });
  const asked = Promise.all(Array.from({ length: 8 }, (_, number) => ask(server, number)));
  await sleep(200);
  frozen.signal('SIGSTOP');
  await worker();
  await expectLikeLocal(await asked);
  frozen.signal('SIGCONT');
  await expectLikeLocal([await ask(server, 0), await ask(server, 1)]);
});

test('a worker that is told to end finishes, or gives back, what it has', async () => {
  const leaving = await worker();
  const server = await doorBefore(1, { cache: 0 });
  await worker();
  await until(() => server.app.interrogator.parts.devices.shown.length === 2);
  const asked = Promise.all(Array.from({ length: 16 }, (_, number) => ask(server, number)));
  await sleep(300);
  expect(await leaving.stop()).toBe(0);
  await until(() => server.app.interrogator.parts.devices.shown.length === 1);
  await expectLikeLocal(await asked);
});

test('requests of clients that have left are taken back', async () => {
  const server = await doorBefore(0);
  // Somebody says that it works, and does not.
  const fleet = await Fleet.connect({ url: redis.url });
  ended.push(() => fleet.close());
  const heartbeat = await pretender(fleet, {});
  ended.push(() => heartbeat.stop());
  await until(() => server.app.interrogator.parts.devices.shown.length === 1);
  const queue = new Queue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  ended.push(() => queue.close());
  const client = new AbortController();
  const asked = fetch(`${server.url}/v1/caption`, {
    method: 'POST',
    body: new Uint8Array(APPLE),
    headers: { 'content-type': 'image/png' },
    signal: client.signal,
  });
  await until(async () => (await queue.getWaitingCount()) === 1);
  const [job] = await queue.getWaiting();
  expect(JSON.stringify(job?.data).length).toBeLessThan(1000);
  const at = job?.data.body.args.picture.at as string;
  // The token is the key, and lasts as long as the request.
  expect(Buffer.from(await (await fetch(at)).arrayBuffer()).equals(APPLE)).toBe(true);
  client.abort();
  await expect(asked).rejects.toThrow();
  await until(async () => (await queue.getWaitingCount()) === 0);
  await until(async () => (await fetch(at)).status === 404);
});

test('a client that leaves ends the work of the worker', async () => {
  await worker();
  const server = await doorBefore(1, { cache: 0 });
  const client = new AbortController();
  const images = Array.from({ length: 12 }, (_, number) => number);
  const asked = images.map((number) =>
    fetch(`${server.url}/v1/interrogate`, {
      method: 'POST',
      body: JSON.stringify({ image: base64(APPLE), modes: ['best', 'negative'], caption: `c ${number}` }),
      headers: { 'content-type': 'application/json' },
      signal: client.signal,
    }),
  );
  await until(() => server.app.interrogator.parts.devices.lines[0]?.running !== 0);
  client.abort();
  for (const each of asked) await expect(each).rejects.toThrow();
  const fleet = await Fleet.connect({ url: redis.url });
  ended.push(() => fleet.close());
  const queue = new Queue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  ended.push(() => queue.close());
  await until(async () => (await queue.getActiveCount()) + (await queue.getWaitingCount()) === 0);
  expect((await ask(server, 0)).status).toBe(200);
});

test('without workers, and with those of another version, requests are refused', async () => {
  const server = await doorBefore(0);
  expect((await server.get('/ready')).status).toBe(503);
  expect((await server.get('/live')).status).toBe(200);
  const refused = await ask(server, 0);
  expect(refused).toMatchObject({ status: 503, body: { code: 'ERR_NOT_READY', detail: 'No worker is there to do the work.' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const fleet = await Fleet.connect({ url: redis.url });
  ended.push(() => fleet.close());
  const heartbeat = await pretender(fleet, { version: '0.0.7' });
  ended.push(() => heartbeat.stop());
  await until(async () => /0\.0\.7/.test((await ask(server, 0)).body.detail));
});

test('what waits too long is refused at once, with when to come again', async () => {
  await worker();
  const server = await doorBefore(1, { cache: 0, maxWaiting: 20 });
  const answers = await Promise.all(Array.from({ length: 40 }, (_, number) => ask(server, number)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(20);
  for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  for (const { status } of answers) expect([200, 429]).toContain(status);
});

test('a worker that cannot reach the door says so', async () => {
  await worker();
  const server = await doorBefore(1, { advertise: 'http://127.0.0.1:9' });
  const { status, body } = await ask(server, 0);
  expect(status).toBe(502);
  expect(body.detail).toMatch(/cannot reach the server at http:\/\/127\.0\.0\.1:9: ECONNREFUSED/);
  expect(body.hint).toMatch(/--advertise/);
});

test('workers need no key, and clients do', async () => {
  await worker();
  const server = await served({ redis: redis.url, localDevice: false, apiKey: ['secret'] });
  ended.push(() => server.close());
  await until(async () => (await server.get('/ready')).status === 200);
  expect((await ask(server, 0)).status).toBe(401);
  const image = { method: 'POST', body: new Uint8Array(APPLE), headers: { 'content-type': 'image/png', 'x-api-key': 'secret' } };
  expect((await server.get('/v1/caption', image)).status).toBe(200);
});

test('the door finishes what it has accepted before it ends', async () => {
  await worker();
  const server = await doorBefore(1, { cache: 0 });
  const asked = Promise.all(Array.from({ length: 10 }, (_, number) => ask(server, number)));
  const accepted = (): number =>
    server.app.interrogator.parts.devices.lines.reduce((sum, { running, waiting }) => sum + running + waiting, 0);
  await until(() => accepted() === 10);
  const drained = server.app.interrogator.drain(60);
  expect((await ask(server, 0)).status).toBe(503);
  await expectLikeLocal(await asked);
  await drained;
});

test('a Redis that is not there is told of', async () => {
  const app = createServer({ redis: 'redis://127.0.0.1:9', localDevice: false, logger: false });
  ended.push(() => app.close());
  await app.ready();
  await expect(app.interrogator.started).rejects.toMatchObject({ code: 'ERR_REDIS' });
});

test('a door opens no libtorch, and no addon', async () => {
  await worker();
  await doorBefore(1);
  const script = `
    const { createServer } = require('./dist/server');
    const app = createServer({ redis: process.env.REDIS, localDevice: false, logger: false });
    app.listen({ port: 0 }).then(async () => {
      await app.interrogator.started;
      const url = 'http://127.0.0.1:' + app.server.address().port;
      const body = require('node:fs').readFileSync('models/sample/images/apple.png');
      const { status } = await fetch(url + '/v1/interrogate?modes=fast', { method: 'POST', body, headers: { 'content-type': 'image/png' } });
      const libraries = require('node:fs').readFileSync('/proc/self/maps', 'utf8');
      const addons = Object.keys(require.cache).filter((file) => /torch[_-]interrogator.*\\.node$/.test(file));
      console.log(JSON.stringify({ status, addons, opened: /libtorch|libc10/.test(libraries) }));
      await app.close();
    });
  `;
  const env = { PATH: process.env.PATH, REDIS: redis.url, HOME: '/nowhere', TORCH_INTERROGATOR_CACHE: '/nowhere', LIBTORCH: '/nowhere' };
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], { env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ status: 200, addons: [], opened: false });
});

async function pretender(fleet: Fleet, info: object): Promise<Heartbeat> {
  const heartbeat = new Heartbeat(fleet);
  const models = ['clip', 'caption'].map((kind) => ({ kind, name: 'sample', state: 'resident', memory: null, embedDim: 64 }));
  heartbeat.tell(() => ({
    ...{ places: 16, devices: [{ name: 'cpu', threads: 1, running: 0, waiting: 0, busySeconds: 0, weightBytes: 0 }] },
    ...{ models, defaults: { clip: ['sample'], caption: ['sample'] }, contextTokens: 77 },
    ...info,
  }));
  await heartbeat.beat();
  return heartbeat;
}
