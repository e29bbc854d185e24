import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../../lib/fleet/redis/connect';
import { TestProxy, TestRedis } from './support/redis';

const running: TestRedis[] = [];
afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

async function redis(...settings: string[]): Promise<TestRedis> {
  const started = await TestRedis.start(...settings);
  running.push(started);
  return started;
}

test('a Redis that is set as it should be is taken without a word', async () => {
  using fleet = await Fleet.connect({ url: (await redis()).url });
  expect(fleet.warnings).toEqual([]);
  expect(await fleet.redis.ping()).toBe('PONG');
  expect(await fleet.connection().ping()).toBe('PONG');
  expect(fleet.key('run', 7)).toBe('torch-interrogator:run:7');
});

test('without an append-only file it is warned of', async () => {
  using fleet = await Fleet.connect({ url: (await redis('--appendonly', 'no')).url });
  expect(fleet.warnings).toEqual([expect.stringContaining('appendonly no')]);
});

test.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-ttl'])('%s is refused', async (policy) => {
  const { url } = await redis('--maxmemory-policy', policy);
  await expect(Fleet.connect({ url })).rejects.toMatchObject({
    code: 'ERR_REDIS',
    message: expect.stringContaining(policy),
    hint: expect.stringContaining('noeviction'),
  });
});

test('where nothing listens, the address is told and what to do', async () => {
  const stopped = await TestRedis.start();
  await stopped.stop();
  const failure = Fleet.connect({ url: `redis://me:secret@127.0.0.1:${stopped.port}/3` });
  await expect(failure).rejects.toMatchObject({
    code: 'ERR_REDIS',
    message: expect.stringContaining(`127.0.0.1:${stopped.port}/3: the connection is refused`),
    hint: expect.stringContaining('redis-server'),
  });
  await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
});

test('a password that is missing, wrong, or not asked for', async () => {
  const { url, port } = await redis('--requirepass', 'opensesame');
  await expect(Fleet.connect({ url })).rejects.toMatchObject({ code: 'ERR_REDIS', message: expect.stringContaining('wants a password') });
  const wrong = Fleet.connect({ url: `redis://default:wrong@127.0.0.1:${port}` });
  await expect(wrong).rejects.toMatchObject({
    code: 'ERR_REDIS',
    message: expect.stringContaining('does not take this user and password'),
  });
  using right = await Fleet.connect({ url: `redis://:opensesame@127.0.0.1:${port}` });
  expect(right.warnings).toEqual([]);
});

test.each(['', 'localhost', 'http://localhost', 'redis://', '6379', 'redis://127.0.0.1:6379/abc', 'redis://127.0.0.1:6379/0/1'])(
  '%j is no address',
  async (url) => {
    await expect(Fleet.connect({ url })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  },
);

test.each([
  ['says nothing', () => {}, 'it says nothing'],
  ['breaks off', (socket: Socket) => void socket.destroy(), 'no Redis'],
  ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), ''],
])('what listens there and %s is no Redis', async (_, answer, reason) => {
  const server = createServer((socket) => answer(socket.on('error', () => {}).resume())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const failure = Fleet.connect({ url: `redis://127.0.0.1:${port}` });
  await expect(failure).rejects.toMatchObject({ code: 'ERR_REDIS', message: expect.stringContaining(`127.0.0.1:${port}: `) });
  await expect(failure).rejects.toMatchObject({
    message: expect.stringContaining(reason),
    hint: expect.stringContaining('Check the address'),
  });
  server.close();
});

test('a database that is not there is no other one', async () => {
  const { url } = await redis();
  await expect(Fleet.connect({ url: `${url}/99` })).rejects.toMatchObject({
    code: 'ERR_REDIS',
    message: expect.stringContaining('has no database 99'),
  });
  using last = await Fleet.connect({ url: `${url}/15` });
  await last.redis.set('here', 'yes');
  using first = await Fleet.connect({ url: `${url}/0` });
  expect(await first.redis.get('here')).toBeNull();
});

test('a replica takes no work', async () => {
  const { port } = await redis();
  const { url } = await redis('--replicaof', `127.0.0.1 ${port}`);
  await expect(Fleet.connect({ url })).rejects.toMatchObject({ code: 'ERR_REDIS', message: expect.stringContaining('replica') });
});

test('a connection that was lost is made again, and commands wait for it', async () => {
  const server = await redis();
  using fleet = await Fleet.connect({ url: server.url });
  await fleet.redis.set('kept', 'yes');
  await server.kill();
  const answer = fleet.redis.get('kept');
  await server.startAgain();
  expect(await answer).toBe('yes');
});

test('a connection that says nothing any more, and does not break, is made again', async () => {
  const proxy = await TestProxy.before(await redis());
  using fleet = await Fleet.connect({ url: proxy.url, silenceMs: 300 });
  const waiting = fleet.connection();
  await waiting.set('kept', 'yes');
  proxy.silence();
  expect(await Promise.all([fleet.redis.get('kept'), waiting.get('kept')])).toEqual(['yes', 'yes']);
  await proxy.close();
});

test('whoever wants to know hears once that Redis is lost, and once that it is back', async () => {
  const server = await redis();
  using fleet = await Fleet.connect({ url: server.url });
  const heard: boolean[] = [];
  const leave = fleet.onReach((isReached) => heard.push(isReached));
  for (let times = 1; times <= 2; times += 1) {
    await server.kill();
    const answer = fleet.redis.ping();
    // Several tries fail meanwhile.
    await sleep(400);
    expect(heard).toHaveLength(2 * times - 1);
    await server.startAgain();
    await answer;
    expect(heard).toEqual([false, true, false, true].slice(0, 2 * times));
  }
  leave();
  await server.kill();
  await sleep(100);
  expect(heard).toHaveLength(4);
  const late: boolean[] = [];
  fleet.onReach((isReached) => late.push(isReached));
  expect(late).toEqual([false]);
});
