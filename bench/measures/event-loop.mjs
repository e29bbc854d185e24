/** How long the event loop is held up while images are decoded and the device works. */
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CAPTION } from '../bench.mjs';
import { WORK } from '../prepare.mjs';
import { row } from '../rows.mjs';
import { CANDIDATES, oneStep } from './chain.mjs';

const RESOLUTION_MS = 2;
const LARGE_AT_ONCE = 4;
/** Until so many readings are there, the work is done again. */
const READINGS = 500;

/** Rows of delays rather than times of work: ours_s is the 99th percentile. */
export const eventLoop = {
  name: 'event-loop',
  async rows(bench) {
    const { ours, features, images } = bench;
    const phrases = [...new Set(await ours.flavors.rank(features, { topCount: CANDIDATES }))];
    const allFast = (files) => () => Promise.all(files.map((file) => ours.interrogateFast(file, { caption: CAPTION })));
    const works = { 'chain-step': () => oneStep(bench, phrases), 'fast-64': allFast(images) };
    for (const [kind, file] of Object.entries(await largeImages(bench))) works[`24mp-${kind}`] = allFast(Array(LARGE_AT_ONCE).fill(file));
    works['24mp-pixels'] = allFast(Array(LARGE_AT_ONCE).fill(largePixels()));
    const rows = [];
    for (const [name, work] of Object.entries(works)) {
      await work();
      rows.push({ name: `event-loop-${name}`, ...(await delaysDuring(work)) });
    }
    return rows;
  },
};

/** Files by format of one photograph of 24 megapixels, as cameras and phones make them. */
export function largeImages({ peer }) {
  return peer.call('make_large_images', { folder: path.join(WORK, 'large'), width: 6000, height: 4000 });
}

/** The same number of pixels, as a program has them that decodes by itself. */
function largePixels() {
  const [width, height, channels] = [6000, 4000, 4];
  return { data: new Uint8Array(width * height * channels), width, height, channels };
}

/** Seconds. The histogram holds the time from one timer to the next, which without any delay is the resolution. */
async function delaysDuring(work) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  do await work();
  while (histogram.count < READINGS);
  histogram.disable();
  const delay = (nanoseconds) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  const [p50_s, p99_s, most_s] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map(delay);
  const [median, high, most] = [p50_s, p99_s, most_s].map((seconds) => `${(seconds * 1000).toFixed(1)} ms`);
  const note = `median ${median}, 99th percentile ${high}, most ${most}`;
  return row({ ours_s: p99_s, unit: 's of delay, 99th percentile', samples: histogram.count, note, p50_s, p99_s, most_s });
}
