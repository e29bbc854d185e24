/** How long the event loop is held up while the device works. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { CAPTION } from '../bench.mjs';
import { oneStep } from './chain.mjs';

const RESOLUTION_MS = 2;
const CANDIDATES = 2048;
/** Until so many readings are there, the work is done again. */
const READINGS = 500;

/** Rows of delays rather than times of work: ours_s is the 99th percentile. */
export async function eventLoopRows(bench, { device, machine }) {
  const { ours, features, images } = bench;
  const phrases = [...new Set(await ours.flavors.rank(features, { topCount: CANDIDATES }))];
  const works = {
    'event-loop-chain-step': () => oneStep(bench, phrases),
    'event-loop-fast-64': () => Promise.all(images.map((image) => ours.interrogateFast(image, { caption: CAPTION }))),
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
