/** What a person sees while files are fetched: a bar on a terminal, a line now and then elsewhere. */
import type { SingleBar } from 'cli-progress';
import type { FetchListener } from '../net/fetch-listener';

export interface FetchBar {
  update: FetchListener;
  stop(): void;
}

export function createFetchBar(): FetchBar {
  let shown = '';
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    update(title, done, total) {
      if (title !== shown) {
        stop();
        shown = title;
        if (total === 0) process.stderr.write(`${title}\n`);
      }
      if (total === 0) return;
      bar ??= start(title, total);
      bar.setTotal(total);
      bar.update(done, { megabytes: `${Math.round(done / 1e6)}/${Math.round(total / 1e6)} MB` });
    },
    stop,
  };
}

/** What stands beside title and bar, at its longest. */
const NUMBERS = '  100 % | 10000/10000 MB';

function start(title: string, total: number): SingleBar {
  const { Presets, SingleBar } = require('cli-progress') as typeof import('cli-progress');
  const format = `${title} {bar} {percentage} % | {megabytes}`;
  const room = (process.stderr.columns ?? 80) - title.length - NUMBERS.length;
  const barsize = Math.max(10, Math.min(40, room));
  const bar = new SingleBar({ format, barsize, stream: process.stderr, noTTYOutput: true, notTTYSchedule: 10_000, fps: 10 }, Presets.rect);
  bar.start(total, 0, { megabytes: '' });
  return bar;
}
