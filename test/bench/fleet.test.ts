/** What the fleet's benchmarks conclude from what they see. */
import { Random } from '../fuzz/support/random';
import { benchModule } from './module';

interface Shard {
  at: number;
  pictures: number;
}

describe('pictures a second of real workers', () => {
  /** A worker that ends a shard every so many milliseconds. */
  const even = (first: number, step: number, count: number, pictures = 50): Shard[] =>
    Array.from({ length: count }, (_, i) => ({ at: first + i * step, pictures }));

  test('loading the models is not counted, however long each worker takes for it', async () => {
    const { rates } = await benchModule('fleet/scaling/rates.mjs');
    for (const first of [0, 700, 5000]) {
      const { steady_per_s } = rates([even(first, 500, 100), even(10_000, 500, 100)]);
      expect(steady_per_s).toBeCloseTo(200, -1);
    }
    expect(rates([even(3000, 500, 50)]).steady_per_s).toBeCloseTo(100, 8);
  });

  test('where one worker has no work any more, only the rate with the tail tells of it', async () => {
    const { rates } = await benchModule('fleet/scaling/rates.mjs');
    const { steady_per_s, whole_per_s, seconds } = rates([even(0, 500, 41), even(0, 500, 81)]);
    expect(steady_per_s).toBeCloseTo(200, 8);
    expect(whole_per_s).toBeCloseTo(150, 8);
    expect(seconds).toBeCloseTo(40, 8);
  });

  test('a worker that has ended nothing makes no rate', async () => {
    const { rates } = await benchModule('fleet/scaling/rates.mjs');
    expect(rates([even(0, 500, 5), []])).toMatchObject({ steady_per_s: 0, whole_per_s: 0 });
  });
});

describe('a simulated device', () => {
  test('works on one shard after the other: never two at once, never idle while one is there', async () => {
    const { SimulatedDevice } = await benchModule('fleet/simulation/device.mjs');
    const random = new Random(3);
    for (let round = 0; round < 50; round += 1) {
      let now = 1000;
      const device = new SimulatedDevice(() => now);
      let free = 0;
      let sum = 0;
      for (let i = 0; i < 40; i += 1) {
        now += random.between(0, 60);
        const milliseconds = random.between(1, 50);
        const { begins, ends } = device.take(milliseconds);
        expect(begins).toBe(Math.max(now, free));
        expect(ends - begins).toBe(milliseconds);
        free = ends;
        sum += milliseconds;
      }
      expect(device.busyMs).toBe(sum);
    }
  });

  test('takes for its shards what a real one took, all of it alike often, and the same for the same shard', async () => {
    const { serviceMs } = await benchModule('fleet/simulation/device.mjs');
    const times = [0.5, 0.75, 1, 1.25, 1.5];
    const taken = Array.from({ length: 10_000 }, (_, shard) => serviceMs(times, shard, 4000));
    expect(taken).toEqual(Array.from({ length: 10_000 }, (_, shard) => serviceMs(times, shard, 4000)));
    for (const time of times) expect(taken.filter((each) => each === 4000 * time).length).toBeCloseTo(2000, -2);
  });
});

describe('what simulated workers told', () => {
  test('the part of their time that devices worked is what a count of milliseconds says', async () => {
    const { utilization } = await benchModule('fleet/simulation/spans.mjs');
    const random = new Random(4);
    for (let round = 0; round < 20; round += 1) {
      const workers = random.between(1, 4);
      const begun: { begins: number; ends: number }[] = [];
      let busy = 0;
      const [from, until] = [100, 400];
      for (let worker = 0; worker < workers; worker += 1) {
        for (let at = random.between(0, 50); at < 500; at += random.between(0, 30)) {
          const begins = at;
          at += random.between(1, 80);
          begun.push({ begins, ends: at });
          for (let ms = begins; ms < at; ms += 1) busy += ms >= from && ms < until ? 1 : 0;
        }
      }
      expect(utilization(begun, workers, from, until)).toBeCloseTo(busy / (workers * 300), 10);
    }
  });

  test('quantiles are values that were there, by nearest rank', async () => {
    const { quantiles } = await benchModule('fleet/simulation/spans.mjs');
    expect(quantiles(Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ p50: 50, p99: 99, most: 100 });
    expect(quantiles([7])).toEqual({ p50: 7, p99: 7, most: 7 });
    expect(quantiles([])).toEqual({ p50: null, p99: null, most: null });
  });
});

describe('what Redis says', () => {
  test('its work is the difference of two looks at it', async () => {
    const { redisWork, fieldsOf } = await benchModule('fleet/measured/redis-figures.mjs');
    expect(fieldsOf('# CPU\r\nused_cpu_sys:1.5\r\ncmdstat_get:calls=3,usec=4\r\n')).toEqual(
      new Map([
        ['used_cpu_sys', '1.5'],
        ['cmdstat_get', 'calls=3,usec=4'],
      ]),
    );
    const look = (at: number, calls: number, bytes: number) => ({
      at,
      commands: new Map([
        ['get', { calls, usec: calls * 2 }],
        ['info', { calls: 1, usec: 5 }],
      ]),
      cpuSeconds: at / 4000,
      bytesIn: bytes,
      bytesOut: 2 * bytes,
      bytesUsed: 100,
      logBytes: bytes,
      clients: calls,
    });
    expect(redisWork(look(1000, 10, 50), look(5000, 25, 80))).toEqual({
      seconds: 4,
      cpuSeconds: 1,
      cores: 0.25,
      calls: 15,
      bytesIn: 30,
      bytesOut: 60,
      bytesUsed: 0,
      logBytes: 30,
      clients: 25,
      commands: { get: { calls: 15, usec: 30 } },
    });
  });

  test('of its slow log those commands count that clients sent, scripts by their names', async () => {
    const { tally } = await benchModule('fleet/measured/slow-log.mjs');
    const sha = 'a'.repeat(40);
    const text = `return redis.call('GET', KEYS[1]) -- ${'long '.repeat(40)}`;
    const entry = (usec: number, args: string[], client = '127.0.0.1:1') => [1, 2, usec, args, client, ''];
    const entries = [
      entry(10, ['EVALSHA', sha, '1', 'key']),
      entry(3, ['HSET', 'key', 'a', '1'], '?:0'),
      entry(30, ['evalsha', sha, '1', 'key']),
      entry(5, ['eval', `${text.slice(0, 115)}... (99 more bytes)`]),
      entry(2, ['get', 'key']),
    ];
    const names = new Map([
      [sha, 'moveToFinished'],
      [text, 'COMPLETE'],
    ]);
    expect(tally(entries, names)).toEqual([
      { name: 'moveToFinished', calls: 2, usec: 40 },
      { name: 'COMPLETE', calls: 1, usec: 5 },
      { name: 'get', calls: 1, usec: 2 },
    ]);
  });
});
