/** Which runs a worker takes part in, and in what order it asks them for work. */
import { Fleet, readRun } from '../../lib/fleet';
import { addShards, openRunQueue } from '../../lib/fleet/runs/queue';
import { RunRecords } from '../../lib/fleet/runs/records';
import type { RunSpec } from '../../lib/fleet/runs/spec';
import { AttachedRun } from '../../lib/fleet/work/attached-run';
import { OpenRuns } from '../../lib/fleet/work/open-runs';
import { type TakesTurns, Turns } from '../../lib/fleet/work/turns';
import { TestRedis } from './support/redis';
import { specOf } from './support/spec';

let redis: TestRedis;
let fleet: Fleet;
let records: RunRecords;
let runs: OpenRuns;
let clock = 0;
beforeAll(async () => {
  redis = await TestRedis.start();
});
beforeEach(async () => {
  await redis.clear();
  fleet = await Fleet.connect({ url: redis.url });
  records = new RunRecords(fleet);
  const now = performance.now.bind(performance);
  clock = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now() + clock);
  runs = new OpenRuns({
    fleet,
    records,
    id: 'here',
    lockSeconds: 30,
    giveUp: async () => {},
    forget: async () => {},
    onLost: () => {},
    log: () => {},
  });
});
afterEach(async () => {
  await runs.close();
  fleet.close();
  jest.restoreAllMocks();
});
afterAll(() => redis.stop());

/** A run with one shard, all of whose pictures are listed. */
async function listed(id: string, more: Partial<RunSpec> = {}): Promise<void> {
  await records.create(specOf(id, more));
  await records.addShards(id, '0', { shards: 1, pictures: 2, files: 0 });
  const queue = openRunQueue(fleet, id);
  await addShards(queue, [{ shard: 0, round: 0, count: 2, roots: [], entries: [] }]);
  await queue.close();
  await records.endSubmitting(id);
}

const asked = (): string[] => runs.inTurn.map(({ spec }) => spec.id);

/** Asks each of the runs; those that give a job. */
async function giving(): Promise<string[]> {
  const ids: string[] = [];
  for (const run of runs.inTurn) {
    if (!(await run.take())) continue;
    runs.took(run);
    ids.push(run.spec.id);
  }
  return ids;
}

test('runs that have nothing to give, however many and however early, keep no others from their turn', async () => {
  const blocked = Array.from({ length: 20 }, (_, i) => `blocked${i}`);
  for (const [i, id] of blocked.entries()) await records.create(specOf(id, { priority: 1, createdAt: i }));
  await listed('good');
  const seen = new Set<string>();
  const gave: string[] = [];
  for (let look = 0; look < 10; look += 1) {
    await runs.look();
    for (const id of asked()) seen.add(id);
    expect(asked().length).toBeLessThanOrEqual(8);
    gave.push(...(await giving()));
    clock += 8000;
  }
  expect(gave).toEqual(['good']);
  expect([...seen].sort()).toEqual([...blocked, 'good'].sort());
});

test('a submission that has died is given up, with what is to be done; one that lives is not', async () => {
  await records.create(specOf('dead'));
  await records.create(specOf('alive'));
  await fleet.redis.set(fleet.key('run', 'alive', 'submitting'), '1');
  for (let i = 0; i < 4; i += 1) {
    await runs.look();
    expect((await readRun(fleet, 'dead')).state).toBe('submitting');
    clock += 19_000;
  }
  await runs.look();
  expect(await readRun(fleet, 'dead')).toMatchObject({ state: 'cancelled', error: { code: 'ERR_ABORTED', hint: 'Submit it again.' } });
  expect(await readRun(fleet, 'alive')).toMatchObject({ state: 'submitting' });
  await runs.look();
  expect(asked()).toEqual(['alive']);
});

test('the lock of a job that another worker has is told of once, and renewed no more', async () => {
  await listed('taken');
  const lost: string[] = [];
  const run = new AttachedRun({
    fleet,
    spec: specOf('taken'),
    id: 'here',
    lockSeconds: 1,
    onFault: () => {},
    onLost: (job) => lost.push(job),
  });
  const taken = await run.take();
  const job = taken?.job.id as string;
  await fleet.redis.set(`${fleet.prefix}:run-taken:${job}:lock`, 'another', 'PX', 60_000);
  const until = Date.now() + 1500;
  while (Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(lost).toEqual([job]);
  expect(await fleet.redis.get(`${fleet.prefix}:run-taken:${job}:lock`)).toBe('another');
  await expect(run.settle(taken as NonNullable<typeof taken>, { kind: 'done', result: {}, pictures: 2 })).rejects.toThrow(/lock/i);
  expect(run.underway).toBe(0);
  await run.close();
});

describe('turns', () => {
  const runOf = (models: string, priority = 10): TakesTurns => ({ spec: { priority }, models });

  /** Which of the runs gives each shard, where all have some; `seconds` a shard. */
  function shards(all: readonly TakesTurns[], count: number, seconds: number): number[] {
    const turns = new Turns();
    return Array.from({ length: count }, (_, i) => {
      const [first] = turns.order(all, i * seconds * 1000);
      turns.took(first as TakesTurns, i * seconds * 1000);
      return all.indexOf(first as TakesTurns);
    });
  }

  test('runs of the same models take turns by shard', () => {
    expect(shards([runOf('a'), runOf('a'), runOf('a')], 7, 5)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  test('a lower number is before all others, whatever its models', () => {
    expect(shards([runOf('a'), runOf('b', 1)], 5, 20)).toEqual([1, 1, 1, 1, 1]);
  });

  test('models stay for half a minute, and none wait for ever', () => {
    expect(shards([runOf('a'), runOf('b')], 14, 5)).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0]);
  });
});
