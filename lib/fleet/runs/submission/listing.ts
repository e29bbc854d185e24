/** The pictures of a submission, shard by shard. */
import type { RunOptions } from '../../../index';
import { type PictureEntry, pictureAt } from '../../../run/inputs';
import { Ledger } from '../../../run/ledger/ledger';
import { Publisher } from '../../../run/publish';
import { Turns } from '../../../run/turns';
import { type ShardData, ShardWriter } from '../shard-data';
import type { RunSpec } from '../spec';

/** Without pictures that have a text of another hand, which is to stay. `onSkipped` is told at the end how many those are. */
export async function* unskipped(
  entries: AsyncIterable<PictureEntry>,
  { marks, task }: RunSpec,
  { sidecar }: RunOptions,
  onSkipped: (pictures: number) => Promise<void>,
): AsyncGenerator<PictureEntry> {
  if (!sidecar || (sidecar.existing ?? 'skip') !== 'skip') return yield* entries;
  const publisher = await Publisher.open({ sidecar }, task);
  const ledger = marks === undefined ? undefined : await Ledger.open(marks, { readOnly: true }).catch(() => undefined);
  try {
    await publisher.begin({ ledger, countTokens: async () => 0, embedDim: 0 });
    let skipped = 0;
    for await (const entry of entries) {
      if (entry.kind !== 'table' && (await publisher.claim(pictureAt(entry))) === 'skipped') skipped += 1;
      else yield entry;
    }
    if (skipped > 0) await onSkipped(skipped);
  } finally {
    await ledger?.close();
  }
}

/** Pictures in groups of `size`, files of many pictures by themselves: of those nobody knows how many there are. */
export async function* shardsOf(entries: AsyncIterable<PictureEntry>, size: number): AsyncGenerator<ShardData> {
  const turns = new Turns();
  let place = 0;
  let shard = new ShardWriter(place);
  const next = (): ShardData => {
    const { data } = shard;
    place += 1;
    shard = new ShardWriter(place);
    return data;
  };
  for await (const entry of entries) {
    if (entry.kind === 'table' && shard.count > 0) yield next();
    // A long shard is written piece by piece, not when it is full.
    shard.add(entry);
    if (entry.kind === 'table' || shard.count >= size) yield next();
    await turns.pass();
  }
  if (shard.count > 0) yield next();
}

/** Pictures that Redis is told of at once: their JSON is made in one go, and whoever shares the process waits for it. */
const MOST_PICTURES = 2000;
/** Each costs Redis and BullMQ a few steps, however small it is. */
const MOST_SHARDS = 16;

/** Shards of `size` pictures, as they are told to Redis together. */
export async function* batchesOf(shards: AsyncIterable<ShardData>, size: number): AsyncGenerator<ShardData[]> {
  const most = Math.min(MOST_SHARDS, Math.max(1, Math.floor(MOST_PICTURES / size)));
  let batch: ShardData[] = [];
  for await (const shard of shards) {
    batch.push(shard);
    if (batch.length < most) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
