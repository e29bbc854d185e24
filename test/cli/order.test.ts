/** Works of a command run at the same time, and their lines come in order. Held on works that end in every order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { printLines, type Work } from '../../lib/cli/lines';
import { Random } from '../fuzz/support/random';

let printed: string;
let spies: jest.SpyInstance[];

beforeEach(() => {
  printed = '';
  const print = (text: unknown): boolean => {
    printed += text;
    return true;
  };
  spies = [jest.spyOn(process.stdout, 'write').mockImplementation(print), jest.spyOn(console, 'error').mockImplementation(print)];
});

afterEach(() => {
  for (const spy of spies) spy.mockRestore();
});

/** Works of one or a few names, which take a random time; one in five fails. */
function makeWorks(random: Random, count: number) {
  let running = 0;
  const state = { most: 0, started: 0, ended: [] as string[] };
  async function* works(): AsyncGenerator<Work<{ value: string }>> {
    for (let i = 0; i < count; i += 1) {
      const names = Array.from({ length: random.between(1, 3) }, (_, k) => `${i}-${k}`);
      const [milliseconds, fails] = [random.below(12), random.chance(0.2)];
      yield {
        names,
        async run(signal) {
          state.started += 1;
          state.most = Math.max(state.most, ++running);
          try {
            await sleep(milliseconds, undefined, { signal });
          } finally {
            running -= 1;
          }
          if (fails) throw new Error('on purpose');
          state.ended.push(...names);
          return names.map((name) => ({ value: `of ${name}` }));
        },
      };
    }
  }
  return { works: works(), state };
}

const recordsIn = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { text: string; value?: string; error?: { message: string } });

test.each([1, 2, 3, 4, 5, 6])('of works %i: so many at a time, one line a name in the order given, failures counted', async (seed) => {
  const random = new Random(seed);
  const concurrency = random.between(1, 8);
  const { works, state } = makeWorks(random, 40);
  const { signal } = new AbortController();
  const failures = await printLines(works, { kind: 'text', json: true, toText: () => [], concurrency, signal });
  const records = recordsIn(printed);
  const place = ({ text }: { text: string }): number => Number(text.split('-')[0]) * 10 + Number(text.split('-')[1]);
  expect(records.map(place)).toEqual(records.map(place).sort((a, b) => a - b));
  expect(new Set(records.map(({ text }) => text.split('-')[0])).size).toBe(40);
  for (const { text, value, error } of records) expect(value ?? error?.message).toBe(value ? `of ${text}` : 'on purpose');
  expect(failures).toBe(records.filter(({ error }) => error).length);
  expect(state.most).toBe(concurrency);
});

test.each([1, 2, 3, 4, 5, 6])('of works %i that are interrupted: what was done is printed, the others are not begun', async (seed) => {
  const random = new Random(seed);
  const { works, state } = makeWorks(random, 200);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), random.between(5, 40));
  await printLines(works, { kind: 'text', json: true, toText: () => [], concurrency: random.between(1, 8), signal: controller.signal });
  const done = recordsIn(printed).filter(({ error }) => !error);
  expect(done.map(({ text }) => text).sort()).toEqual([...state.ended].sort());
  expect(state.started).toBeLessThan(200);
});
