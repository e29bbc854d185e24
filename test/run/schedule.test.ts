/** Many items at the same time: their results in order, within bounds of number and of bytes, and nothing kept of those that are done. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inOrder, type ScheduleOptions } from '../../lib/run/schedule';
import { Random } from '../fuzz/support/random';

interface Item {
  place: number;
  bytes: number;
}

const stop = new AbortController().signal;
const usual = { active: 8, window: 24, stop };

async function* itemsOf(sizes: readonly number[], tell: (item: Item) => void = () => {}): AsyncGenerator<Item> {
  for (const [place, bytes] of sizes.entries()) {
    const item = { place, bytes };
    tell(item);
    yield item;
  }
}

/** How long work lasts, in turns of the event loop. */
async function last(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}

/** The most bytes, and the most items, that were begun and not done with at the same time. */
async function mostOf(sizes: readonly number[], most: number, random: Random): Promise<{ places: number[]; bytes: number; items: number }> {
  const now = { bytes: 0, items: 0 };
  const found = { places: [] as number[], bytes: 0, items: 0 };
  const source = itemsOf(sizes, ({ bytes }) => {
    now.bytes += bytes;
    now.items += 1;
    found.bytes = Math.max(found.bytes, now.bytes);
    found.items = Math.max(found.items, now.items);
  });
  const options: ScheduleOptions<Item> = { ...usual, held: { most, of: ({ bytes }) => bytes } };
  const work = async (item: Item): Promise<Item> => {
    await last(random.between(0, 6));
    return item;
  };
  for await (const { place, bytes } of inOrder(source, options, work)) {
    await last(random.between(0, 2));
    found.places.push(place);
    now.bytes -= bytes;
    now.items -= 1;
  }
  return found;
}

test.each([1, 2, 3, 4, 5])('items of random sizes (%i) come in order; beyond the bound is one item at most', async (seed) => {
  const random = new Random(21, seed);
  const most = 100;
  const sizes = Array.from({ length: 200 }, () => random.pick([0, 1, 10, 60, 150]));
  const { places, bytes } = await mostOf(sizes, most, random);
  expect(places).toEqual(sizes.map((_, place) => place));
  expect(bytes).toBeLessThan(most + Math.max(...sizes));
});

test('items larger than the bound come one after the other, small ones as many as the window takes', async () => {
  const random = new Random(22);
  expect(await mostOf(Array(30).fill(150), 100, random)).toMatchObject({ bytes: 150, items: 1 });
  const small = await mostOf(Array(200).fill(1), 100, random);
  expect(small.items).toBeGreaterThan(usual.active);
});

test('what is done is not kept: its item can be freed while others are under way', async () => {
  const freed = new Set<number>();
  const registry = new FinalizationRegistry<number>((place) => freed.add(place));
  const source = itemsOf(Array(40).fill(1), (item) => registry.register(item, item.place));
  let taken = 0;
  for await (const _ of inOrder(source, usual, async (item) => ({ item }))) {
    taken += 1;
    if (taken < 30) continue;
    for (let i = 0; i < 50 && freed.size < 20; i += 1) {
      global.gc?.();
      await nextTurn();
    }
    break;
  }
  expect(freed.size).toBeGreaterThanOrEqual(20);
});
