/** By what it is decided how many workers a fleet needs. */
import type { RunRecord } from '../../../lib/fleet/runs/records';
import { figuresOf } from '../../../lib/server/watch/fleet-figures';

/** Ten shards of 100 pictures, none of them done. */
function run(fields: Partial<RunRecord> & { active?: number } = {}) {
  const counts = { done: 0, kept: 0, failed: 0, skipped: 0, encoded: 0, seconds: 0, round: 0 };
  return {
    state: 'running',
    isPaused: false,
    shards: 10,
    left: 10,
    pictures: 1000,
    refusals: {},
    active: 0,
    ...counts,
    ...fields,
  } as RunRecord & {
    active: number;
  };
}

const figures = (...open: ReturnType<typeof run>[]) => figuresOf(open, open);

test('what a run took so far says what the rest of it takes', () => {
  const half = run({ left: 6, done: 390, failed: 10, seconds: 80, active: 2 });
  expect(figures(half)).toEqual({ shardsWaiting: 4, shardsActive: 2, picturesWaiting: 600, secondsWaiting: 120 });
});

test('a run that has not finished a shard takes as long a picture as others, and a second where there are none', () => {
  const known = run({ left: 0, done: 900, failed: 100, seconds: 200 });
  expect(figuresOf([run()], [known, run()]).secondsWaiting).toBe(200);
  expect(figures(run()).secondsWaiting).toBe(1000);
});

test('a file of many pictures is a shard like others, however many pictures it turns out to have', () => {
  const tars = run({ shards: 4, left: 1, pictures: 4, done: 30_000, seconds: 3000 });
  expect(figures(tars)).toMatchObject({ shardsWaiting: 1, picturesWaiting: 0, secondsWaiting: 1000 });
});

test('pictures that are tried again are few, whatever the run was', () => {
  const again = run({ round: 1, left: 3, done: 980, failed: 20, seconds: 500 });
  expect(figures(again)).toMatchObject({ shardsWaiting: 3, picturesWaiting: 20, secondsWaiting: 10 });
});

test('no worker is needed for a paused run, nor for one that is being merged; what is under way is told of', () => {
  expect(figures(run({ isPaused: true, active: 2 }))).toEqual({ shardsWaiting: 0, shardsActive: 2, picturesWaiting: 0, secondsWaiting: 0 });
  expect(figures(run({ state: 'merging', left: 0, done: 1000, active: 1, seconds: 90 }))).toMatchObject({
    shardsWaiting: 0,
    secondsWaiting: 0,
  });
  expect(figures()).toEqual({ shardsWaiting: 0, shardsActive: 0, picturesWaiting: 0, secondsWaiting: 0 });
});

test('the figures of runs add up', () => {
  const [one, other] = [run({ left: 5, done: 500, seconds: 50 }), run({ left: 2, done: 800, seconds: 16, active: 1 })];
  expect(figures(one, other)).toEqual({ shardsWaiting: 6, shardsActive: 1, picturesWaiting: 700, secondsWaiting: 54 });
});
