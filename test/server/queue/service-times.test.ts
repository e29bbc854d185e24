import { ServiceTimes } from '../../../lib/server/queue/service-times';

function clock(): { now: () => number; pass(seconds: number): void } {
  let time = 100;
  return {
    now: () => time,
    pass: (seconds) => {
      time += seconds;
    },
  };
}

test('a unit by itself takes as long as it runs', () => {
  const { now, pass } = clock();
  const times = new ServiceTimes(now);
  const unit = times.begin('a');
  pass(3);
  expect(unit.served()).toBe(3);
  unit.end(true);
  expect(times.expect('a')).toBe(3);
});

test('the times of units that run together add up to the time that passed', () => {
  const { now, pass } = clock();
  const times = new ServiceTimes(now);
  const units = [];
  let sum = 0;
  for (let i = 0; i < 50; i += 1) {
    units.push(times.begin('a'));
    pass(((i * 7) % 5) + 1);
    sum += ((i * 7) % 5) + 1;
    if (i % 3 === 0) units[Math.floor(i / 2)]?.end(true);
  }
  const served = units.reduce((so, unit) => so + unit.served(), 0);
  // While none ran, nobody was served: here one always did.
  expect(served).toBeCloseTo(sum, 6);
});

test('what was cut short says nothing of how long it takes', () => {
  const { now, pass } = clock();
  const times = new ServiceTimes(now);
  const done = times.begin('a');
  pass(4);
  done.end(true);
  const cut = times.begin('a');
  pass(0.1);
  cut.end(false);
  expect(times.expect('a')).toBe(4);
});

test('a kind that was never met is thought to be like the others', () => {
  const { now, pass } = clock();
  const times = new ServiceTimes(now);
  expect(times.expect('x')).toBeGreaterThan(0);
  for (const [kind, seconds] of [
    ['a', 1],
    ['b', 3],
  ] as const) {
    const unit = times.begin(kind);
    pass(seconds);
    unit.end(true);
  }
  expect(times.expect('x')).toBe(2);
});
