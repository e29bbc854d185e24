/** How long the event loop is held up while images are decoded and the device works. */
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CAPTION } from '../bench.mjs';
import { WORK } from '../prepare.mjs';
import { oneStep } from './chain.mjs';

const RESOLUTION_MS = 2;
const CANDIDATES = 2048;
/** 24 megapixels, as cameras and phones make them. */
export const LARGE = { width: 6000, height: 4000 };
const LARGE_AT_ONCE = 4;
/** Until so many readings are there, the work is done again. */
const READINGS = 500;

/** Rows of delays rather than times of work: ours_s is the 99th percentile. */
export async function eventLoopRows(bench, { device, machine }) {
  const { ours, peer, features, images } = bench;
  const large = await peer.call('make_large_images', { folder: path.join(WORK, 'large'), ...LARGE });
  const phrases = [...new Set(await ours.flavors.rank(features, { topCount: CANDIDATES }))];
  const works = {
    'event-loop-chain-step': () => oneStep(bench, phrases),
    'event-loop-fast-64': () => Promise.all(images.map((image) => ours.interrogateFast(image, { caption: CAPTION }))),
    ...Object.fromEntries(
      Object.entries(large).map(([kind, file]) => [
        `event-loop-24mp-${kind}`,
        () => Promise.all(Array.from({ length: LARGE_AT_ONCE }, () => ours.interrogateFast(file, { caption: CAPTION }))),
      ]),
    ),
  };
  const rows = [];
  for (const [name, work] of Object.entries(works)) {
    await work();
    const { p50, p99, most, readings } = await delaysDuring(work);
    const unit = 's of delay, 99th percentile';
    const row = { name, device, ours_s: p99, peer_s: null, ratio: null, limit_s: null, limit_fraction: null, unit, samples: readings };
    const milliseconds = (seconds) => `${(seconds * 1000).toFixed(1)} ms`;
    const note = `median ${milliseconds(p50)}, 99th percentile ${milliseconds(p99)}, most ${milliseconds(most)}`;
    rows.push({ ...row, note, p50_s: p50, p99_s: p99, most_s: most, machine });
  }
  return rows;
}

/** Seconds. The histogram holds the time from one timer to the next, which without any delay is the resolution. */
async function delaysDuring(work) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  do await work();
  while (histogram.count < READINGS);
  histogram.disable();
  const delay = (nanoseconds) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  return {
    p50: delay(histogram.percentile(50)),
    p99: delay(histogram.percentile(99)),
    most: delay(histogram.max),
    readings: histogram.count,
  };
}
