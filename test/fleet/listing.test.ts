/** Pictures of a submission in shards, and shards in batches: nothing is lost, and nothing is done in one long go. */

import { entriesOfShard, isFileOfMany, type ShardData } from '../../lib/fleet/runs/shard-data';
import { batchesOf, shardsOf } from '../../lib/fleet/runs/submission/listing';
import type { PictureEntry } from '../../lib/run/inputs';

const upTo = (most: number): number => Math.floor(Math.random() * (most + 1));
const ROOTS = [undefined, Buffer.from('/data/a'), Buffer.from('/data/caf\xe9', 'latin1')];

function entryAt(place: number): PictureEntry {
  const name = `${place}.jpg`;
  switch (upTo(30)) {
    case 0:
      return { kind: 'url', name, url: `https://host/${place}.jpg` };
    case 1:
      return { kind: 'failure', name, error: { code: 'ERR_IO', message: `${name} cannot be read` } };
    case 2:
      return { kind: 'table', name, address: Buffer.from(`/data/${place}.tar`) };
    default: {
      const root = ROOTS[upTo(2)];
      return { kind: 'file', name, file: Buffer.from(`/data/\xe9/${place}.jpg`, place % 2 ? 'latin1' : 'utf8'), ...(root && { root }) };
    }
  }
}

async function* each<T>(all: Iterable<T>): AsyncGenerator<T> {
  yield* all;
}

async function listed<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of all) found.push(one);
  return found;
}

test('shards have all pictures in their order, as many as they may, and files of many by themselves', async () => {
  for (let round = 0; round < 100; round += 1) {
    const size = 1 + upTo(40);
    const entries = Array.from({ length: upTo(300) }, (_, i) => entryAt(i));
    const shards = await listed(shardsOf(each(entries), size));
    // As Redis keeps it.
    const kept = shards.map((shard) => JSON.parse(JSON.stringify(shard)) as ShardData);
    expect(kept.flatMap(entriesOfShard)).toEqual(entries);
    expect(shards.map(({ shard }) => shard)).toEqual(shards.map((_, i) => i));
    for (const [i, shard] of shards.entries()) {
      expect(shard.count).toBe(shard.entries.length);
      expect(shard.count).toBeLessThanOrEqual(size);
      if (isFileOfMany(shard)) expect(shard.count).toBe(1);
      const next = shards[i + 1];
      if (next && !isFileOfMany(shard) && !isFileOfMany(next)) expect(shard.count).toBe(size);
    }
  }
});

test('Redis is told of some thousand pictures at once, of one shard at least, and of few shards', async () => {
  for (const size of [
    1,
    2,
    7,
    124,
    125,
    126,
    199,
    200,
    999,
    1000,
    1001,
    2000,
    2001,
    10_000,
    ...Array.from({ length: 20 }, () => 1 + upTo(9999)),
  ]) {
    const full: ShardData = { shard: 0, round: 0, count: size, roots: [], entries: Array(size).fill({ u: 'https://host/a.png' }) };
    const shards = Array.from({ length: 1 + upTo(50) }, (_, shard) => ({ ...full, shard }));
    const batches = await listed(batchesOf(each(shards), size));
    expect(batches.flat()).toEqual(shards);
    for (const [i, batch] of batches.entries()) {
      const pictures = batch.length * size;
      expect(pictures).toBeLessThanOrEqual(Math.max(2000, size));
      expect(batch.length).toBeLessThanOrEqual(16);
      // None is smaller than it need be.
      if (i < batches.length - 1) expect(batch.length === 16 || pictures + size > 2000).toBe(true);
    }
  }
});

test('what else the process does has its turn while a long shard is written', async () => {
  let turns = 0;
  let isOver = false;
  const take = (): void => {
    turns += 1;
    if (!isOver) setImmediate(take);
  };
  setImmediate(take);
  const entry: PictureEntry = { kind: 'file', name: 'a.jpg', file: Buffer.from('/data/a.jpg') };
  await listed(shardsOf(each(Array(200_000).fill(entry)), 10_000));
  isOver = true;
  expect(turns).toBeGreaterThan(3);
});
