/** Ours and the peer in turn, with the machine's own rates measured in between, so that all three see the same machine. */

/** A run that lasts longer, in seconds, is done once. */
const LONG_RUN = 60;
/** The least length of a sample, in seconds, and the most runs that fill it. */
const SHORT_RUN = 0.2;
const MOST_RUNS = 20;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Seconds that the work takes. */
export async function secondsOf(work) {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/**
 * `ours`, `peer` and `beside` (other work of ours that ours is compared with; both null for none) resolve with seconds, which may
 * be scaled; each is told how many runs it had before.
 * `machineRates` resolves with {flops, bytes} a second; `onSample` is told of each sample. After a warm-up of each side come
 * `samples`, or one where the warm-up of either lasted over a minute. A sample is the median of as many runs as fill its
 * least length, which keeps one interruption from being a tenth of what is measured.
 */
export async function sampleInTurn({ ours, peer, beside, machineRates, samples, onSample = () => {} }) {
  const mine = await warmedUp(ours);
  const theirs = await warmedUp(peer);
  const other = await warmedUp(beside);
  await machineRates();
  const count = Math.max(mine.warmUp, theirs.warmUp, other.warmUp) > LONG_RUN ? 1 : samples;
  const taken = { ours: [], peer: [], beside: [] };
  const rates = [];
  for (let number = 1; number <= count; number += 1) {
    rates.push(await machineRates());
    taken.ours.push(await mine.sample());
    if (beside) taken.beside.push(await other.sample());
    rates.push(await machineRates());
    if (peer) taken.peer.push(await theirs.sample());
    onSample({ number, count, ours: taken.ours.at(-1), peer: taken.peer.at(-1) ?? null });
  }
  return { ...taken, rates: { flops: median(rates.map(({ flops }) => flops)), bytes: median(rates.map(({ bytes }) => bytes)) } };
}

/** Runs it once: the seconds that this lasted by the clock, and what takes a sample. */
async function warmedUp(run) {
  if (!run) return { warmUp: 0 };
  let runs = 0;
  const next = () => run(runs++);
  const warmUp = await secondsOf(next);
  const repeats = Math.min(MOST_RUNS, Math.ceil(SHORT_RUN / warmUp));
  const sample = async () => {
    const seconds = [];
    while (seconds.length < repeats) seconds.push(await next());
    return median(seconds);
  };
  return { warmUp, sample };
}
