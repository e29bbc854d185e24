/** What arguments and lists stand for, before files of many pictures are opened. */
import { abandonable } from '../../abort';
import { throwIfAborted } from '../../errors';
import type { InputOptions, Picture } from '../picture';
import { type RunInput, sourcesOf } from './argument';
import { filtersOf } from './folders/filters';
import { type ListInput, listTable } from './tables/list';
import type { Table } from './tables/table';

export interface PictureOptions extends InputOptions {
  /** Lists of more inputs, behind the others: a path or a URL a line, or JSON with the field `image`. */
  from?: readonly ListInput[];
  /** Ends the iteration, also while it waits for a line or a file: it rejects with AbortError. */
  signal?: AbortSignal | undefined;
}

export async function* allSources(inputs: readonly RunInput[], options: PictureOptions): AsyncGenerator<Picture | Table> {
  const { recursive = true, from = [] } = options;
  const filters = filtersOf(options);
  for (const input of inputs) yield* sourcesOf(input, { recursive, filters });
  for (const list of from) yield listTable(list);
}

/** Ends with AbortError as soon as the signal fires. */
export async function* abortable<T>(all: AsyncGenerator<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
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
