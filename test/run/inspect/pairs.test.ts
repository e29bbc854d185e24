/** The search over all pairs gives what looking at each pair gives, however the rows are cut into blocks. */
import { Interrogator } from '../../../lib';
import { First, Spread } from '../../../lib/run/inspect/first';
import { Groups } from '../../../lib/run/inspect/groups';
import { searchPairs } from '../../../lib/run/inspect/pairs';
import { meanSimilarity, sumOf, type UnitRows, unitRows } from '../../../lib/run/inspect/unit-rows';
import { Random } from '../../fuzz/support/random';

let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await Interrogator.create({
    clipModelName: 'sample',
    captionModelName: null,
    device: 'cpu',
    cachePath: null,
    quiet: true,
  });
});
afterAll(() => interrogator.dispose());

const uniform = (random: Random): number => random.below(1 << 20) / (1 << 20) - 0.5;

/** Rows of length 1, some of them near earlier ones. */
function makeRows(random: Random, count: number): Float32Array[] {
  const rows: Float32Array[] = [];
  for (let i = 0; i < count; i += 1) {
    const near = i > 0 && random.below(3) === 0 ? rows[random.below(i)] : undefined;
    const row = Float32Array.from({ length: interrogator.embedDim }, (_, k) =>
      near ? (near[k] as number) + uniform(random) * 0.04 : uniform(random),
    );
    const length = Math.hypot(...row);
    rows.push(row.map((value) => value / length));
  }
  return rows;
}

function rowsOf(rows: readonly Float32Array[]): UnitRows {
  const dim = interrogator.embedDim;
  const read = async (places: readonly number[]): Promise<Float32Array> => {
    const values = new Float32Array(places.length * dim);
    for (const [i, place] of places.entries()) values.set(rows[place] as Float32Array, i * dim);
    return values;
  };
  return unitRows({ dim, count: rows.length, read }, [...rows.keys()]);
}

const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/** Connected components by looking at every pair, again and again until nothing changes. */
function plainGroups(count: number, isPair: (a: number, b: number) => boolean): number[][] {
  const labels = Array.from({ length: count }, (_, i) => i);
  for (let changed = true; changed; ) {
    changed = false;
    for (let a = 0; a < count; a += 1) {
      for (let b = 0; b < count; b += 1) {
        if (a === b || !isPair(a, b) || labels[a] === labels[b]) continue;
        labels[a] = labels[b] = Math.min(labels[a] as number, labels[b] as number);
        changed = true;
      }
    }
  }
  const groups = [...new Set(labels)].map((label) => labels.flatMap((each, i) => (each === label ? [i] : [])));
  return groups.filter((group) => group.length > 1);
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('pairs in blocks are the pairs of all rows (%i)', async (seed) => {
  const random = new Random(seed);
  const count = seed === 1 ? 1 : 2 + random.below(60);
  const rows = makeRows(random, count);
  const threshold = 0.9 + random.below(9) / 100;
  const options = { interrogator, threshold, blockRows: 1 + random.below(20), heldBlocks: 1 + random.below(4) };
  const steps: [number, number][] = [];
  const onProgress = ({ done, total }: { done: number; total: number }): number => steps.push([done, total]);
  const { similarities, nearest, groups } = await searchPairs(rowsOf(rows), { ...options, onProgress });

  for (const [i, row] of rows.entries()) {
    const others = rows.map((other, k) => (k === i ? Number.NEGATIVE_INFINITY : cosine(row, other)));
    const best = Math.max(...others);
    if (count === 1) expect([similarities[i], nearest[i]]).toEqual([Number.NEGATIVE_INFINITY, -1]);
    else {
      expect(similarities[i]).toBeCloseTo(best, 4);
      expect(others[nearest[i] as number]).toBeCloseTo(best, 4);
      expect(nearest[i]).not.toBe(i);
    }
  }
  const isPair = (a: number, b: number): boolean => cosine(rows[a] as Float32Array, rows[b] as Float32Array) >= threshold;
  expect(groups.all).toEqual(plainGroups(count, isPair));
  const blocks = Math.ceil(count / options.blockRows);
  const total = (blocks * (blocks + 1)) / 2;
  expect(steps).toEqual(Array.from({ length: total }, (_, i) => [i + 1, total]));
});

test('an abort ends the search between two blocks', async () => {
  const controller = new AbortController();
  const rows = rowsOf(makeRows(new Random(9), 40));
  const onProgress = ({ done }: { done: number }): void => {
    if (done === 3) controller.abort();
  };
  const search = searchPairs(rows, { interrogator, threshold: 0.9, blockRows: 4, signal: controller.signal, onProgress });
  await expect(search).rejects.toMatchObject({ code: 'ERR_ABORTED' });
});

test.each([1, 2, 3, 4, 5])('groups are those that the pairs connect (%i)', (seed) => {
  const random = new Random(seed);
  const count = 1 + random.below(80);
  const pairs = Array.from({ length: random.below(count) }, () => [random.below(count), random.below(count)] as const);
  const groups = new Groups(count);
  for (const [a, b] of pairs) groups.join(a, b);
  expect(groups.all).toEqual(plainGroups(count, (a, b) => pairs.some(([x, y]) => (x === a && y === b) || (x === b && y === a))));
});

test('the mean similarity is that of all pairs, without rows that the disk has lost', async () => {
  const rows = makeRows(new Random(3), 50);
  const lost = [7, 30];
  for (const row of lost) rows[row]?.fill(0);
  const { sound, sum } = await sumOf(rowsOf(rows));
  expect(sound).toEqual([...rows.keys()].filter((row) => !lost.includes(row)));
  const pairs = sound.flatMap((a) => sound.filter((b) => b < a).map((b) => cosine(rows[a] as Float32Array, rows[b] as Float32Array)));
  expect(meanSimilarity(sum, sound.length)).toBeCloseTo(pairs.reduce((all, each) => all + each, 0) / pairs.length, 5);
  expect(meanSimilarity(sum, 1)).toBeNull();
});

test.each([1, 2, 3, 4])('the first of many are those that a sort puts first (%i)', (seed) => {
  const random = new Random(seed);
  const entries = Array.from({ length: random.below(300) }, (_, place) => ({ value: random.below(20), place }));
  const most = 1 + random.below(40);
  const first = new First<{ value: number; place: number }>(most, (a, b) => a.value - b.value);
  const spread = new Spread();
  for (const entry of entries) {
    first.add(entry);
    spread.add(entry.value);
  }
  expect(first.entries).toEqual([...entries].sort((a, b) => a.value - b.value || a.place - b.place).slice(0, most));
  const mean = entries.reduce((sum, { value }) => sum + value, 0) / entries.length;
  const variance = entries.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / entries.length;
  expect(spread.mean).toBeCloseTo(mean, 9);
  expect(spread.deviation).toBeCloseTo(Math.sqrt(variance), 9);
});
