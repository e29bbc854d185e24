/** What a person sees while libtorch is fetched: a bar on a terminal, a line now and then elsewhere. */
import type { SingleBar } from 'cli-progress';
import type { FetchProgress } from './fetch';

const TITLES = {
  wait: 'Waiting for another process that fetches libtorch',
  resolve: 'Asking pip where libtorch is',
  download: 'Downloading',
  unpack: 'Unpacking',
} as const;

export function createFetchBar(stream: NodeJS.WriteStream = process.stderr): { update(progress: FetchProgress): void; stop(): void } {
  let title = '';
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    update({ step, name, done, total }) {
      const next = `${TITLES[step]} ${name}`.trim();
      if (next !== title) {
        stop();
        title = next;
        if (total === 0) stream.write(`${title}\n`);
      }
      if (total === 0) return;
      bar ??= start(title, total, stream);
      bar.update(done, { megabytes: `${Math.round(done / 1e6)}/${Math.round(total / 1e6)} MB` });
    },
    stop,
  };
}

function start(title: string, total: number, stream: NodeJS.WriteStream): SingleBar {
  const { Presets, SingleBar } = require('cli-progress') as typeof import('cli-progress');
  const format = `${title} {bar} {percentage} % | {megabytes}`;
  const bar = new SingleBar({ format, stream, noTTYOutput: true, notTTYSchedule: 10_000, fps: 10 }, Presets.rect);
  bar.start(total, 0, { megabytes: '' });
  return bar;
}
