/** How the benchmarks take their samples, and what they conclude from them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { benchModule } from './module';

const RATES = { flops: 100, bytes: 10 };

describe('sampling', () => {
  let now: number;
  let order: string[];

  beforeEach(() => {
    now = 0;
    order = [];
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });

  afterEach(() => jest.restoreAllMocks());

  /** Work that lasts so long and says that it took its run's number. */
  function work(name: string, seconds: number): (run: number) => Promise<number> {
    return async (run) => {
      order.push(`${name}${run}`);
      now += seconds * 1000;
      return run;
    };
  }

  async function machineRates(): Promise<typeof RATES> {
    order.push('rates');
    return RATES;
  }

  test('ours and the peer are run in turn after one warm-up, the machine measured in between', async () => {
    const { sampleInTurn } = await benchModule('sampling.mjs');
    const taken = await sampleInTurn({ ours: work('ours', 1), peer: work('peer', 1), machineRates, samples: 2 });
    expect(order).toEqual(['ours0', 'peer0', 'rates', 'rates', 'ours1', 'rates', 'peer1', 'rates', 'ours2', 'rates', 'peer2']);
    expect(taken).toEqual({ ours: [1, 2], peer: [1, 2], beside: [], rates: RATES });
  });

  test('other work of ours is run in turn with ours too', async () => {
    const { sampleInTurn } = await benchModule('sampling.mjs');
    const taken = await sampleInTurn({ ours: work('ours', 1), peer: null, beside: work('beside', 2), machineRates, samples: 2 });
    expect(order).toEqual(['ours0', 'beside0', 'rates', 'rates', 'ours1', 'beside1', 'rates', 'rates', 'ours2', 'beside2', 'rates']);
    expect(taken).toMatchObject({ ours: [1, 2], beside: [1, 2] });
  });

  test('a run that lasts over a minute is done once, a short one that is scaled to over a minute is not', async () => {
    const { sampleInTurn } = await benchModule('sampling.mjs');
    expect((await sampleInTurn({ ours: work('ours', 61), peer: null, machineRates, samples: 5 })).ours).toHaveLength(1);
    const scaled = async (run: number) => 100 * (await work('peer', 1)(run));
    expect((await sampleInTurn({ ours: work('ours', 1), peer: scaled, machineRates, samples: 3 })).peer).toEqual([100, 200, 300]);
  });

  test('a sample of short runs is the median of several', async () => {
    const { sampleInTurn } = await benchModule('sampling.mjs');
    const { ours, peer } = await sampleInTurn({ ours: work('ours', 0.05), peer: work('peer', 0.001), machineRates, samples: 1 });
    expect(ours).toEqual([2.5]);
    expect(peer).toEqual([10.5]);
  });
});

test('a row has medians, the ratio of the peer over ours, and the limit at the measured rates', async () => {
  const { rowOf } = await benchModule('rows.mjs');
  const taken = { ours: [3, 1, 2], peer: [20, 30, 40, 10], rates: RATES };
  const limit = ({ flops, bytes }: typeof RATES) => 50 / flops + 5 / bytes;
  const row = rowOf({ unit: 's per a', limit }, taken);
  expect(row).toMatchObject({ unit: 's per a', ours_s: 2, peer_s: 25, ratio: 12.5, limit_s: 1, limit_fraction: 0.5, samples: 3 });
  const alone = rowOf({ unit: 's per a' }, { ...taken, peer: [] });
  expect(alone).toMatchObject({ ours_s: 2, peer_s: null, ratio: null, limit_s: null, limit_fraction: null });
});

test('the steps of a chain are those it reported, and one more where it took a step that it did not keep', async () => {
  const { stepsOf } = await benchModule('measures/chained-modes.mjs');
  const events = (times: number[], total: number) => times.map((at, i) => ({ at, done: i + 1, total }));
  expect(stepsOf(events([10, 20, 30, 39.9], 32))).toBe(4);
  expect(stepsOf(events([10, 20, 30, 30.1], 32))).toBe(3);
  expect(stepsOf(events([10, 20, 20.1], 2))).toBe(2);
});

test('growth compares the cost of one item with that of the middle size, measured in turn', async () => {
  const { besideMiddle } = await benchModule('measures/growth.mjs');
  const { beside, compare } = besideMiddle({ size: 500, middle: 2000, beside: 'the middle size' });
  expect(beside).toBe('the middle size');
  // The machine was half as fast during the second sample.
  expect(compare({ ours: [0.6, 1.2, 0.6], beside: [2, 4, 2] }).from_linear).toBeCloseTo(0.2);
  expect(besideMiddle({ size: 2000, middle: 2000, beside: 'the middle size' })).toEqual({});
});

describe('traffic', () => {
  /** One at a time, 20 ms each; three may wait. */
  function smallServer(): () => Promise<void> {
    let inside = 0;
    let last = Promise.resolve();
    return async () => {
      if (inside >= 4) throw Object.assign(new Error('full'), { code: 'ERR_BUSY' });
      inside += 1;
      last = last.then(() => sleep(20));
      await last;
      inside -= 1;
    };
  }

  test('callers in a closed loop never have more calls out than there are callers', async () => {
    const { closedLoop } = await benchModule('traffic.mjs');
    const result = await closedLoop(smallServer(), { callers: 4, seconds: 0.5 });
    expect(result).toMatchObject({ refused: 0, failed: 0 });
    expect(result.answered).toBe(result.offered);
  });

  test('an open loop offers its rate whatever the answers, and counts what was refused', async () => {
    const { openLoop } = await benchModule('traffic.mjs');
    const result = await openLoop(smallServer(), { rate: 200, seconds: 0.5 });
    expect(result.offered).toBe(100);
    expect(result.refused).toBeGreaterThan(0);
    expect(result.answered + result.refused).toBe(100);
    expect(result.p50_s).toBeGreaterThan(0.02 * 0.9);
  });

  test('other errors are failures, and the first is told', async () => {
    const { openLoop } = await benchModule('traffic.mjs');
    const broken = async () => {
      throw new Error('no such image');
    };
    const result = await openLoop(broken, { rate: 1000, seconds: 0.01 });
    expect(result).toMatchObject({ offered: 10, failed: 10, refused: 0, p50_s: null, first_failure: 'Error: no such image' });
  });
});
