/** torch-interrogator run watch: what stderr is told of a run, and the exit code that it comes to. */

import type { Fleet, RunView } from '../../fleet';
import { describeRecord, EXIT } from '../failure';
import { untilInterrupted } from '../interrupts';
import { onOneLine, print } from '../lines';
import { summaryLines } from '../run/summary';
import { type ProgressKind, ProgressWatch } from '../run/watch';
import { eraseStatus } from '../status';
import { noWorkerLine, type RedisOptions, reachLine } from './redis-option';
import { refusalLines } from './show-run';

export interface WatchOptions extends Pick<RedisOptions, 'redisFlags'> {
  json?: boolean | undefined;
  progress: string;
}

/** Ctrl-C ends the watching; the run goes on. */
export async function watch(fleet: Fleet, id: string, { json, progress, redisFlags }: WatchOptions): Promise<void> {
  const { watchRun } = require('../../fleet') as typeof import('../../fleet');
  const teller = new ProgressWatch(progress as ProgressKind);
  const told = new Set<string>();
  let last: RunView | undefined;
  const leave = fleet.onReach((isReached) => teller.note(reachLine(isReached)));
  try {
    await untilInterrupted(async (signal) => {
      for await (const view of watchRun(fleet, id, signal)) {
        last = view;
        const trouble = view.trouble === undefined ? [] : [`Tried again: ${onOneLine(view.trouble.replaceAll('\n', ' '))}`];
        const idle = view.endedAt === undefined && view.shards.active === 0 ? await noWorkerLine(fleet, redisFlags) : undefined;
        for (const line of [...refusalLines(view), ...trouble, ...(idle === undefined ? [] : [idle])]) {
          if (!told.has(line)) teller.note(line);
          told.add(line);
        }
        if (view.endedAt === undefined) teller.tell(view);
      }
    });
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_ABORTED') teller.note(`Run ${id} goes on without being watched.`);
    throw error;
  } finally {
    leave();
    teller.end(last?.summary);
  }
  eraseStatus();
  if (!last) return;
  if (json) print(JSON.stringify(last));
  else if (progress !== 'none' && progress !== 'json') for (const line of endLines(last, redisFlags)) console.error(line);
  process.exitCode = exitCodeOf(last);
}

function endLines({ run, state, summary, error }: RunView, redisFlags: string): string[] {
  if (state === 'cancelled') return [`Run ${run} was cancelled.`];
  if (error) return describeRecord(error).split('\n');
  if (!summary) return [];
  const advice = { failed: `npx torch-interrogator run retry ${run}${redisFlags}`, goOn: '', skips: summary.skipped > 0 };
  return summaryLines(summary, advice);
}

function exitCodeOf({ state, failed }: RunView): number {
  if (state === 'cancelled') return EXIT.interrupted;
  return state === 'failed' || failed > 0 ? EXIT.failed : EXIT.ok;
}
