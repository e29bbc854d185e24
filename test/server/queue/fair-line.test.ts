import { FairLine } from '../../../lib/server/queue/fair-line';

/** Starts all that wait, one after the other, and tells who it was. */
function drain(line: FairLine, started: string[]): string[] {
  while (line.startNext());
  return started;
}

function lineOf(arrivals: readonly (readonly [string, number])[]): { line: FairLine; started: string[] } {
  const line = new FairLine();
  const started: string[] = [];
  for (const [client, cost] of arrivals) line.wait(client, { cost, start: () => started.push(client) });
  return { line, started };
}

test('one client is served in the order in which it came', () => {
  const line = new FairLine();
  const started: number[] = [];
  for (const number of [1, 2, 3, 4]) line.wait('a', { cost: 5 - number, start: () => started.push(number) });
  while (line.startNext());
  expect(started).toEqual([1, 2, 3, 4]);
});

test('who sends one is not behind all of who sends a thousand', () => {
  const { line, started } = lineOf([...Array.from({ length: 1000 }, () => ['flood', 1] as const), ['one', 1]]);
  expect(drain(line, started).indexOf('one')).toBeLessThanOrEqual(1);
});

test.each([2, 3, 7])('%i clients get equal shares of time, whatever their units cost', (count) => {
  const costs = Array.from({ length: count }, (_, client) => client + 1);
  const arrivals = costs.flatMap((cost, client) => Array.from({ length: 2000 }, () => [String(client), cost] as const));
  const { line, started } = lineOf(arrivals);
  const given = new Map<string, number>();
  for (let i = 0; i < 1000; i += 1) line.startNext();
  for (const client of started) given.set(client, (given.get(client) ?? 0) + (costs[Number(client)] as number));
  const shares = [...given.values()];
  expect(shares).toHaveLength(count);
  expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2 * count);
});

test('who was away has no credit for it', () => {
  const line = new FairLine();
  const started: string[] = [];
  const wait = (client: string) => line.wait(client, { cost: 1, start: () => started.push(client) });
  for (let i = 0; i < 100; i += 1) wait('busy');
  for (let i = 0; i < 50; i += 1) line.startNext();
  for (let i = 0; i < 50; i += 1) wait('late');
  started.length = 0;
  for (let i = 0; i < 20; i += 1) line.startNext();
  expect(started.filter((each) => each === 'late').length).toBeLessThanOrEqual(11);
});

test('who leaves and comes back does not overtake by it', () => {
  const line = new FairLine();
  const started: string[] = [];
  const wait = (client: string) => line.wait(client, { cost: 1, start: () => started.push(client) });
  for (let i = 0; i < 40; i += 1) wait('steady');
  // One at a time: its line is empty in between.
  for (let i = 0; i < 20; i += 1) {
    wait('hasty');
    line.startNext();
    line.startNext();
  }
  expect(started.filter((each) => each === 'hasty').length).toBeLessThanOrEqual(21);
  expect(started.filter((each) => each === 'steady').length).toBeGreaterThanOrEqual(19);
});

test('who gives up is not started', () => {
  const line = new FairLine();
  const started: string[] = [];
  const leaves = ['a', 'b', 'c'].map((client) => line.wait(client, { cost: 1, start: () => started.push(client) }));
  expect(leaves[1]?.()).toBe(true);
  expect(line.length).toBe(2);
  expect(drain(line, started).sort()).toEqual(['a', 'c']);
  expect(leaves[0]?.()).toBe(false);
  expect(line.length).toBe(0);
});
