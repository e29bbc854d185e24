/** What a run is to work on: the pictures that its arguments and lists stand for, one after the other. */
import { abandonable } from '../../abort';
import { throwIfAborted } from '../../errors';
import type { InputOptions, Picture } from '../picture';
import { Turns } from '../turns';
import { type RunInput, sourcesOf } from './argument';
import { filtersOf } from './folders/filters';
import { type ListInput, listTable } from './tables/list';
import type { Table } from './tables/table';

export { checkInputs, localPath, type RunInput } from './argument';
export type { ListInput } from './tables/list';

export interface PictureOptions extends InputOptions {
  /** Lists of more inputs, behind the others: a path or a URL a line, or JSON with the field `image`. */
  from?: readonly ListInput[];
  /** Ends the iteration, also while it waits for a line or a file: it rejects with AbortError. */
  signal?: AbortSignal | undefined;
}

/**
 * The pictures of these inputs, in the inputs' order: files; folders, in natural order of names (`img2` before `img10`), without hidden
 * files and folders, each folder once wherever links lead; URLs; `-`; pipes; the members of tar shards (`.tar`, `.tar.gz`, `.tgz`) and
 * the rows of parquet files, both named, or by braces (`shard-{000..099}.tar`) and globs that the shell left as they are.
 *
 * Whatever cannot be read is a picture whose `open()` rejects, so that the others go on. One folder's names are in memory at a time, one
 * member of a shard, one page of a parquet file; of lists some lines. Rejects with ERR_INVALID_ARGUMENT for globs and inputs that are
 * none, and with AbortError.
 */
export async function* picturesOf(inputs: readonly RunInput[], options: PictureOptions = {}): AsyncGenerator<Picture> {
  const { signal } = options;
  const turns = new Turns();
  for await (const source of abortable(allSources(inputs, options), signal)) {
    if (!('pictures' in source)) yield source;
    else yield* abortable(source.pictures(signal), signal);
    await turns.pass();
  }
}

/**
 * How many pictures `picturesOf` would give, without opening any of them. Null where only reading can tell: shards, lists that are no
 * regular files. Rejects as `picturesOf` does.
 */
export async function countPictures(inputs: readonly RunInput[], options: PictureOptions = {}): Promise<number | null> {
  const { signal } = options;
  const turns = new Turns();
  let count = 0;
  for await (const source of abortable(allSources(inputs, options), signal)) {
    const here = 'count' in source ? await source.count(signal) : 1;
    throwIfAborted(signal);
    if (here === null) return null;
    count += here;
    await turns.pass();
  }
  return count;
}

async function* allSources(inputs: readonly RunInput[], options: PictureOptions): AsyncGenerator<Picture | Table> {
  const { recursive = true, from = [] } = options;
  const filters = filtersOf(options);
  for (const input of inputs) yield* sourcesOf(input, { recursive, filters });
  for (const list of from) yield listTable(list);
}

/** Ends with AbortError as soon as the signal fires. */
async function* abortable<T>(all: AsyncGenerator<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  try {
    for (;;) {
      const { done, value } = await abandonable(all.next(), signal);
      // What failed because of the signal ends without a word.
      throwIfAborted(signal);
      if (done) return;
      yield value;
    }
  } finally {
    const ended = all.return(undefined);
    // What is waiting ends when the signal has closed what it waits for.
    if (signal?.aborted) ended.catch(() => {});
    else await ended;
  }
}
