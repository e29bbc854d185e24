/** The results of all shards become the outputs that one machine would have written: in order, a row at a time. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { AbortError } from '../../../index';
import { type PictureEntry, picturesAt } from '../../../run/inputs';
import type { Picture } from '../../../run/picture';
import type { RunSummary } from '../../../run/progress';
import { type MadeRow, publishRows } from '../../../run/publish-rows';
import type { Row } from '../../../run/row';
import { type RunQueue, shardJobId } from '../../runs/queue';
import type { RunRecord, RunRecords } from '../../runs/records';
import { readRows, shardName } from '../../runs/row-lines';
import { entriesOfShard, type ShardData } from '../../runs/shard-data';
import { isObjectStore, openStore, type ResultStore, splitObject } from '../../store';

export interface MergeOptions {
  record: RunRecord;
  records: RunRecords;
  queue: RunQueue;
  store: ResultStore;
  /** For what goes to an object store: made here first. */
  folder: string;
  signal: AbortSignal;
  /** Told of the pictures that are merged. */
  onProgress(pictures: number): void;
}

/** An output, and where it is made. */
interface Output {
  target: string;
  file: string;
}

/** Rejects with what the outputs reject with; it may be done again. */
export async function mergeRun(options: MergeOptions): Promise<RunSummary> {
  const { record, folder, signal, onProgress } = options;
  const { spec } = record;
  await rm(folder, { recursive: true, force: true });
  const outputs = spec.out.map((target, place) => outputAt(target, folder, place));
  const report = spec.report === undefined ? undefined : outputAt(spec.report, folder, outputs.length);
  const all = report ? [...outputs, report] : outputs;
  for (const { target, file } of all) if (target !== file) await mkdir(path.dirname(file), { recursive: true });
  const needsPictures = spec.out.some((file) => /\.tar$/i.test(file));
  try {
    const summary = await publishRows(rowsOf(options, needsPictures), {
      task: spec.task,
      out: outputs.map(({ file }) => file),
      ...(report && { report: report.file }),
      ...(spec.sidecar && { sidecar: spec.sidecar }),
      ...(spec.embed && { embed: spec.embed }),
      embedDim: await embedDimOf(options),
      state: spec.marks ?? null,
      signal,
      onRow: ({ progress: { done, failed, skipped } }) => onProgress(done + failed + skipped),
    });
    for (const each of all) await upload(each);
    const targets = new Map(all.map(({ file, target }) => [file, target]));
    const { kept, encoded, skipped } = record;
    return {
      ...summary,
      total: summary.done + summary.failed + summary.skipped + skipped,
      // A row that is well came from now or from what was known: its shard says which.
      done: summary.done - Math.min(kept, summary.done),
      kept: Math.min(kept, summary.done),
      skipped: summary.skipped + skipped,
      encoded,
      rate: 0,
      secondsLeft: 0,
      seconds: (Date.now() - spec.createdAt) / 1000,
      devices: [],
      written: summary.written.map((file) => targets.get(file) ?? file),
      state: spec.state,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function outputAt(target: string, folder: string, place: number): Output {
  if (!isObjectStore(target)) return { target, file: target };
  return { target, file: path.join(folder, String(place), path.basename(splitObject(target).name)) };
}

async function upload({ target, file }: Output): Promise<void> {
  if (target === file) return;
  const { location, name } = splitObject(target);
  const store = await openStore(location);
  try {
    await store.put(name, file);
  } finally {
    store.close();
  }
}

/** Of the first shard: all of them have the same. */
async function embedDimOf({ record, records, store }: MergeOptions): Promise<number> {
  if (record.spec.task.kind !== 'features') return 0;
  for (const [shard, round] of await records.lastRounds(record.spec.id)) {
    const name = shardName(shard, round);
    const rows = readRows(await store.read(name), name);
    for (;;) {
      const { done, value } = await rows.next();
      if (done) {
        if (value.embedDim > 0) return value.embedDim;
        break;
      }
    }
  }
  return 0;
}

async function* rowsOf({ record, records, queue, store, signal }: MergeOptions, needsPictures: boolean): AsyncGenerator<MadeRow> {
  const rounds = await records.lastRounds(record.spec.id);
  for (let shard = 0; shard < record.shards; shard += 1) {
    const name = shardName(shard, rounds.get(shard) ?? 0);
    const pictures = needsPictures ? picturesAt(await entriesAt(queue, shard), signal) : undefined;
    try {
      for await (const row of readRows(await store.read(name), name)) {
        if (signal.aborted) throw new AbortError(signal.reason);
        yield { row, picture: pictures ? await nextNamed(pictures, row) : pictureOf(row) };
      }
    } finally {
      await pictures?.return(undefined);
    }
  }
}

async function entriesAt(queue: RunQueue, shard: number): Promise<PictureEntry[]> {
  const job = await queue.getJob(shardJobId(shard, 0));
  return job ? entriesOfShard(job.data as ShardData) : [];
}

/** Rows are in the order of their pictures, some of which have none. */
async function nextNamed(pictures: AsyncGenerator<Picture>, row: Row): Promise<Picture> {
  for await (const picture of { [Symbol.asyncIterator]: () => ({ next: () => pictures.next() }) })
    if (picture.name === row.name) return picture;
  return pictureOf(row);
}

/** What outputs need to know of it; nobody opens it. */
function pictureOf({ name, file, root }: Row): Picture {
  return {
    name,
    ...(file && { file }),
    ...(root && { root }),
    open: async () => {
      throw new Error(`${name} is not read again.`);
    },
  };
}
