/** Outputs of rows that were made elsewhere: as the run that had made them would have written them. */
import { RunState } from './ledger/state';
import type { RunOptions, RunTask } from './options';
import type { Picture } from './picture';
import type { RunSummary } from './progress';
import { Publisher } from './publish';
import type { Row } from './row';
import { Tally } from './tally';

/** A row after the rules for words, and its picture where outputs ask for it. */
export interface MadeRow {
  row: Row;
  picture: Picture;
}

export interface PublishOptions extends Pick<RunOptions, 'out' | 'sidecar' | 'embed' | 'report'> {
  task: RunTask;
  /** Numbers in a picture's features. */
  embedDim: number;
  /** Remembers which sidecars are its own, so that it may be done again. */
  state: string | null;
  signal: AbortSignal;
  /** Told of each picture that came to its end. */
  onRow?: (tally: Tally) => void;
}

/** Rejects with ERR_IO where an output cannot be written, with ERR_INVALID_ARGUMENT for outputs that are none, and with AbortError. */
export async function publishRows(rows: AsyncIterable<MadeRow>, options: PublishOptions): Promise<RunSummary> {
  const { task, state: folder, signal, embedDim } = options;
  const publisher = await Publisher.open(options, task);
  const tally = new Tally();
  let state: RunState | undefined;
  try {
    state = folder === null ? undefined : await RunState.open(folder, signal);
    await publisher.begin({ ledger: state?.ledger, countTokens: async () => 0, embedDim });
    for await (const { row, picture } of rows) {
      const claimed = await publisher.claim(picture);
      if (claimed === 'skipped') {
        tally.count('skipped');
        continue;
      }
      const earlier = row.error ?? claimed ?? (await publisher.publish(picture, row, await publisher.lineOf(picture, row)));
      const unwritten = await publisher.write(row, picture, signal);
      const fault = earlier ?? unwritten;
      tally.count(fault ? 'failed' : 'done');
      if (fault) tally.fail(row.name, fault);
      options.onRow?.(tally);
    }
    const summary = { ...tally.progress, failures: tally.failures, written: [], sidecars: 0, state: folder, aborted: false };
    return await publisher.finish(summary);
  } finally {
    await publisher.abandon();
    await state?.ledger.close();
    await state?.close();
  }
}
