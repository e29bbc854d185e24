/** Redis is lost while a client submits a run. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../../../lib/fleet/redis/connect';
import { listRuns } from '../../../lib/fleet/runs/control';
import { toRefusal } from '../../../lib/server/answers/to-refusal';
import { FleetLink } from '../../../lib/server/fleet/link';
import { submitBody } from '../../../lib/server/fleet/submit';
import { RunPlaces } from '../../../lib/server/safety/run-places';
import { TestProxy, TestRedis } from '../../fleet/support/redis';
import { until } from './support/fleet';

jest.mock('../../../lib/fleet/store', () => ({
  ...jest.requireActual('../../../lib/fleet/store'),
  // No bucket is there.
  openStore: async () => ({ check: async () => {}, remove: async () => {}, list: async function* () {}, close: () => {} }),
}));

const ended: (() => Promise<unknown> | unknown)[] = [];
let redis: TestRedis;
let fleet: Fleet;
let proxy: TestProxy;
let link: FleetLink;

beforeEach(async () => {
  redis = await TestRedis.start();
  ended.push(() => redis.stop());
  fleet = await Fleet.connect({ url: redis.url });
  ended.push(() => fleet.close());
  proxy = await TestProxy.before(redis);
  ended.push(() => proxy.close());
  link = new FleetLink({ url: proxy.url, warn: () => {} });
  ended.push(() => link[Symbol.dispose]());
});
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

const PICTURES = 100;

/** A hundred pictures, 16 at a time. */
function submit(signal: AbortSignal, onSubmitted: (pictures: number) => void): Promise<string> {
  const inputs = Array.from({ length: PICTURES }, (_, i) => `https://host.example/sets/${i}.png`);
  const body = { inputs, task: { kind: 'interrogate', modes: ['fast'] }, out: ['s3://bucket/results/x.jsonl'], shardSize: 1 };
  const places = new RunPlaces(['https://host.example/sets', 's3://bucket/results']);
  const models = { clip: () => 'sample', caption: () => 'sample' };
  return submitBody(body as Parameters<typeof submitBody>[0], { link, places, models, signal, onSubmitted });
}

/** Redis is lost when `isTime` says so first. */
function once(isTime: (pictures: number) => boolean): (pictures: number) => void {
  let isLost = false;
  return (pictures) => {
    if (isLost || !isTime(pictures)) return;
    isLost = true;
    proxy.block();
  };
}

const states = async (): Promise<string[]> => (await listRuns(fleet)).map(({ state }) => state);
const NEVER = new AbortController().signal;

test.each([
  ['in the middle', 16],
  ['when all but the end is told', PICTURES],
])(
  'a Redis that is lost %s: 503, and when it is back the run is cancelled',
  async (_, at) => {
    const refusal = await submit(
      NEVER,
      once((pictures) => pictures >= at),
    ).catch(toRefusal);
    expect(refusal).toMatchObject({ status: 503, code: 'ERR_REDIS', retryAfter: expect.any(Number) });
    proxy.restore();
    await until(async () => (await states()).every((state) => state === 'cancelled'));
  },
  20_000,
);

test('a client that leaves while Redis is lost is not waited for', async () => {
  const client = new AbortController();
  const asked = submit(
    client.signal,
    once(() => true),
  );
  asked.catch(() => {});
  await until(async () => (await link.open().catch(() => undefined)) === undefined);
  client.abort();
  await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  proxy.restore();
  await until(async () => (await states()).every((state) => state === 'cancelled'));
}, 20_000);

test('a Redis that is lost for a moment costs nothing', async () => {
  let cuts = 0;
  const id = await submit(NEVER, () => {
    cuts += 1;
    if (cuts % 3 === 1) proxy.cut();
  });
  expect(await listRuns(fleet)).toMatchObject([{ run: id, state: 'running', total: PICTURES }]);
}, 20_000);

test('while Redis answers, work may take as long as it takes, and is undone where nobody waited for it', async () => {
  const undo = jest.fn(async () => {});
  const asked = link.during(
    async (of) => {
      await sleep(50);
      return of.redis.ping();
    },
    { signal: NEVER, undo, patienceMs: 0 },
  );
  expect(await asked).toBe('PONG');
  expect(undo).not.toHaveBeenCalled();
  const lost = link.during(
    async (of) => {
      proxy.block();
      await until(() => of.redis.status !== 'ready');
      return of.redis.ping();
    },
    { signal: NEVER, undo, patienceMs: 0 },
  );
  await expect(lost).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { status: 503 } });
  proxy.restore();
  await until(() => undo.mock.calls.length > 0);
  expect(undo).toHaveBeenCalledWith('PONG');
});
