import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { Fleet } from '../../../lib/fleet/redis/connect';
import { Answerer, type AnswererOptions, type TakenRequest } from '../../../lib/fleet/requests/answerer';
import { Asker } from '../../../lib/fleet/requests/asker';
import { useQueue } from '../../../lib/fleet/requests/old-queues';
import { REQUESTS, type RequestJob } from '../../../lib/fleet/requests/wire';
import { TestProxy, TestRedis } from '../support/redis';

let redis: TestRedis;
let fleet: Fleet;
let asker: Asker;
let ended: (() => Promise<unknown> | unknown)[];

beforeEach(async () => {
  ended = [];
  redis = await TestRedis.start();
  ended.push(() => redis.stop());
  fleet = await connect(redis.url);
  asker = await askerOf(fleet);
});
afterEach(async () => {
  for (const end of ended.reverse()) await end();
});

async function connect(url: string): Promise<Fleet> {
  const connected = await Fleet.connect({ url });
  ended.push(() => connected.close());
  return connected;
}

async function askerOf(of: Fleet): Promise<Asker> {
  const made = await Asker.open(of);
  ended.push(() => made.close());
  return made;
}

function answerer(answer: AnswererOptions['answer'], concurrency = 4, of = fleet): Answerer {
  const made = new Answerer(of, { concurrency, answer, giveUp: (deaths) => ({ deaths }) });
  ended.push(() => made.close());
  void made.start();
  return made;
}

const NEVER = new AbortController().signal;
const job = (body: object, isWatched = false): RequestJob => ({ call: 'double', client: 'a', isWatched, body });
const double = async ({ body }: TakenRequest): Promise<unknown> => ({ twice: 2 * (body as { number: number }).number });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('each who asks gets its own answer, and nothing stays in Redis', async () => {
  const queue = new Queue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  ended.push(() => queue.close());
  answerer(double);
  answerer(double);
  const others = await askerOf(fleet);
  const numbers = Array.from({ length: 200 }, (_, number) => number);
  const answers = await Promise.all(numbers.map((number) => (number % 2 === 0 ? asker : others).ask(job({ number }), { signal: NEVER })));
  expect(answers).toEqual(numbers.map((number) => ({ twice: 2 * number })));
  expect([asker.count, others.count]).toEqual([0, 0]);
  while ((await queue.getCompletedCount()) > 0) await sleep(20);
});

test('progress comes in its order, and what passes may be left out', async () => {
  answerer(async ({ report }) => {
    for (let number = 0; number < 300; number += 1) {
      report({ number }, { passes: number % 100 !== 0 });
      if (number % 50 === 0) await sleep(5);
    }
    return 'done';
  });
  const heard: number[] = [];
  const onProgress = (items: readonly unknown[]): void => void heard.push(...items.map((item) => (item as { number: number }).number));
  expect(await asker.ask(job({}, true), { signal: NEVER, onProgress })).toBe('done');
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
  expect(heard).toEqual(expect.arrayContaining([0, 100, 200, 299]));
  expect(new Set(heard).size).toBe(heard.length);
  expect(heard.length).toBeLessThan(300);
});

test('nobody who does not listen costs Redis anything', async () => {
  answerer(async ({ report }) => {
    report({ number: 1 }, { passes: false });
    return 'done';
  });
  const onProgress = jest.fn();
  expect(await asker.ask(job({}), { signal: NEVER, onProgress })).toBe('done');
  expect(onProgress).not.toHaveBeenCalled();
});

test('what is called off is taken back, or its work is ended', async () => {
  const queue = new Queue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  ended.push(() => queue.close());
  const waits = new AbortController();
  const waiting = asker.ask(job({}), { signal: waits.signal });
  while ((await queue.getWaitingCount()) === 0) await sleep(10);
  waits.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  while ((await queue.getWaitingCount()) > 0) await sleep(10);

  const works = new AbortController();
  const aborted = new Promise<void>((resolve) => {
    answerer(async ({ signal }) => {
      works.abort();
      await new Promise((ended) => signal.addEventListener('abort', ended));
      resolve();
      return 'late';
    });
  });
  await expect(asker.ask(job({}), { signal: works.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  await aborted;
  await expect(asker.ask(job({}), { signal: works.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});

test('who drains gives back what has not begun, and finishes the rest', async () => {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const first = answerer(async ({ body, begin, signal }) => {
    if ((body as { number: number }).number === 0) {
      begin();
      await finished;
      return 'first';
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return 'not begun';
  });
  const asked = [0, 1, 2].map((number) => asker.ask(job({ number }), { signal: NEVER }));
  while (first.busy < 3) await sleep(10);
  const drained = first.drain();
  answerer(async () => 'second');
  expect(await Promise.all(asked.slice(1))).toEqual(['second', 'second']);
  finish();
  expect(await asked[0]).toBe('first');
  await drained;
  expect(first.busy).toBe(0);
});

test('a request of which workers die is given up, and the others are not', async () => {
  const queue = new Queue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  ended.push(() => queue.close());
  const asked = [1, 2].map((number) => asker.ask(job({ number }), { signal: NEVER }));
  while ((await queue.getWaitingCount()) < 2) await sleep(10);
  const waiting = await queue.getWaiting();
  const deadly = waiting.find(({ data }) => data.body.number === 1);
  // As BullMQ counts the locks that ran out.
  await fleet.redis.hset(`${fleet.prefix}:${REQUESTS}:${deadly?.id}`, 'stc', 3);
  answerer(double);
  expect(await Promise.all(asked)).toEqual([{ deaths: 3 }, { twice: 4 }]);
});

test('a Redis that has lost a request is told of it again', async () => {
  const asked = asker.ask(job({ number: 4 }), { signal: NEVER });
  await sleep(200);
  await fleet.redis.flushall();
  answerer(double);
  expect(await asked).toEqual({ twice: 8 });
});

test('answers whose events were missed are found', async () => {
  const proxy = await TestProxy.before(redis);
  ended.push(() => proxy.close());
  const far = await askerOf(await connect(proxy.url));
  let answer = (): void => {};
  const begun = new Promise<void>((resolve) => {
    answerer(async (request) => {
      resolve();
      await new Promise<void>((go) => {
        answer = go;
      });
      return double(request);
    });
  });
  const asked = far.ask(job({ number: 5 }), { signal: NEVER });
  await begun;
  proxy.block();
  answer();
  await sleep(300);
  // So many events later nobody knows of that one.
  await fleet.redis.del(`${fleet.prefix}:${REQUESTS}:events`);
  proxy.restore();
  expect(await asked).toEqual({ twice: 10 });
});

test('who closes tells those who wait', async () => {
  const told = expect(asker.ask(job({}), { signal: NEVER })).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  await sleep(50);
  await asker.close();
  await told;
});

test('neither side waits for a Redis that is away, to close', async () => {
  const proxy = await TestProxy.before(redis);
  ended.push(() => proxy.close());
  const away = await connect(proxy.url);
  const [far, farther] = [await Asker.open(away), answerer(double, 4, away)];
  expect(await far.ask(job({ number: 1 }), { signal: NEVER })).toEqual({ twice: 2 });
  proxy.block();
  await sleep(100);
  await Promise.all([far.close(), farther.close()]);
});

/** As one that was killed, and has been dead for a while: it says nothing, and what it has asked stays. */
async function die(dead: Fleet, of: Asker): Promise<void> {
  const { id } = of as unknown as { id: string };
  dead.close();
  await fleet.redis.del(`${fleet.prefix}:${REQUESTS}:asker:${id}`);
}

test('who closes in the moment when Redis is back leaves nothing that runs on', async () => {
  const proxy = await TestProxy.before(redis);
  ended.push(() => proxy.close());
  const away = await connect(proxy.url);
  const [far, farther] = [await Asker.open(away), answerer(double, 4, away)];
  expect(await far.ask(job({ number: 1 }), { signal: NEVER })).toEqual({ twice: 2 });
  const { worker, duplicates } = farther as unknown as {
    worker: { closed: boolean; lockManager: { isRunning(): boolean } };
    duplicates: Redis[];
  };
  // Those that BullMQ makes come later.
  for (const each of duplicates) each.options.retryStrategy = () => 60_000;
  proxy.block();
  await sleep(300);
  proxy.restore();
  while (away.redis.status !== 'ready') await sleep(2);
  await Promise.all([far.close(), farther.close()]);
  // What BullMQ renews locks with keeps a process from ending.
  expect([worker.closed, worker.lockManager.isRunning()]).toEqual([true, false]);
});

test('what dead ones have asked is dropped, and what the living ask is answered', async () => {
  const queue = new Queue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  ended.push(() => queue.close());
  const askers = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const own = await connect(redis.url);
      return { own, asker: await askerOf(own), isDead: Math.random() < 0.5 };
    }),
  );
  const asked: Promise<unknown>[] = [];
  const expected: unknown[] = [];
  let count = 0;
  for (; count < 80; count += 1) {
    const { asker: one, isDead } = askers[Math.floor(Math.random() * askers.length)] as (typeof askers)[number];
    const answer = one.ask(job({ number: isDead ? -1 : count }), { signal: NEVER });
    if (isDead) answer.catch(() => {});
    else {
      asked.push(answer);
      expected.push({ twice: 2 * count });
    }
  }
  while ((await queue.getWaitingCount()) < count) await sleep(10);
  for (const { own, asker: one, isDead } of askers) if (isDead) await die(own, one);
  const numbers: number[] = [];
  answerer(async (request) => {
    numbers.push((request.body as { number: number }).number);
    return double(request);
  });
  expect(await Promise.all(asked)).toEqual(expected);
  while ((await queue.getWaitingCount()) + (await queue.getActiveCount()) > 0) await sleep(10);
  expect(numbers).not.toContain(-1);
});

test('who was only slow, and was thought dead, is answered nevertheless', async () => {
  const { id } = asker as unknown as { id: string };
  const asked = Array.from({ length: 20 }, (_, number) => asker.ask(job({ number }), { signal: NEVER }));
  await sleep(100);
  await fleet.redis.del(`${fleet.prefix}:${REQUESTS}:asker:${id}`);
  answerer(double);
  expect(await Promise.all(asked)).toEqual(asked.map((_, number) => ({ twice: 2 * number })));
});

test('who asks is thought dead some seconds after it was heard of last, and at once where it says that it ends', async () => {
  const { id } = asker as unknown as { id: string };
  const key = `${fleet.prefix}:${REQUESTS}:asker:${id}`;
  const left = await fleet.redis.pttl(key);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(15_000);
  await asker.close();
  expect(await fleet.redis.exists(key)).toBe(0);
});

test('queues of versions that nobody has used for a day are removed, and no others', async () => {
  const versions = { 'requests-0.0.1': 90_000, 'requests-0.0.2': 80_000, 'requests-9.9.9': 100_000 };
  const [now = 0] = (await fleet.redis.time()).map(Number);
  for (const [name, age] of Object.entries(versions)) {
    const queue = new Queue(name, { connection: fleet.redis, prefix: fleet.prefix });
    await queue.addBulk(Array.from({ length: 30 }, (_, i) => ({ name: 'double', data: { i } })));
    await queue.close();
    await fleet.redis.zadd(`${fleet.prefix}:request-queues`, String(now - age), name);
  }
  answerer(double);
  const left = async (name: string): Promise<number> => (await fleet.redis.keys(`${fleet.prefix}:${name}:*`)).length;
  while ((await left('requests-0.0.1')) + (await left('requests-9.9.9')) > 0) await sleep(20);
  expect(await left('requests-0.0.2')).toBeGreaterThan(30);
  while ((await useQueue(fleet)).length > 0) await sleep(20);
  expect(await fleet.redis.zrange(`${fleet.prefix}:request-queues`, '0', '-1')).toEqual(['requests-0.0.2', REQUESTS]);
  expect(await asker.ask(job({ number: 1 }), { signal: NEVER })).toEqual({ twice: 2 });
});

test('neither side waits long for a Redis that takes connections and says nothing, to close', async () => {
  const own = await connect(redis.url);
  const far = await Asker.open(own);
  const near = answerer(({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)), 4, own);
  const asked = far.ask(job({}), { signal: NEVER });
  asked.catch(() => {});
  while (near.busy === 0) await sleep(10);
  const pid = Number(/process_id:(\d+)/.exec(await fleet.redis.info())?.[1]);
  process.kill(pid, 'SIGSTOP');
  ended.push(() => process.kill(pid, 'SIGCONT'));
  await Promise.all([far.close(), near.close()]);
  expect(own.redis.status).toBe('ready');
}, 8000);
