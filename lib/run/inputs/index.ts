/** What a run is to work on: the pictures that its arguments and lists stand for, one after the other. */
import { throwIfAborted } from '../../errors';
import type { Picture } from '../picture';
import { Turns } from '../turns';
import type { RunInput } from './argument';
import { abortable, allSources, type PictureOptions } from './sources';

export { checkInputs, localPath, type RunInput } from './argument';
export { entriesOf, type PictureEntry, pictureAt, picturesAt } from './entries';
export type { PictureOptions } from './sources';
export type { ListInput } from './tables/list';

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
