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
export async function sampleInTurn({ ours, peer, beside = null, machineRates, samples, onSample = () => {} }) {
  const mine = await Side.warmedUp(ours);
  const theirs = peer && (await Side.warmedUp(peer));
  const other = beside && (await Side.warmedUp(beside));
  await machineRates();
  const count = Math.max(mine.warmUp, theirs?.warmUp ?? 0, other?.warmUp ?? 0) > LONG_RUN ? 1 : samples;
  const taken = { ours: [], peer: [], beside: [], rates: [] };
  for (let number = 1; number <= count; number += 1) {
    taken.rates.push(await machineRates());
    taken.ours.push(await mine.sample());
    if (other) taken.beside.push(await other.sample());
    taken.rates.push(await machineRates());
    if (theirs) taken.peer.push(await theirs.sample());
    onSample({ number, count, ours: taken.ours.at(-1), peer: taken.peer.at(-1) ?? null });
  }
  const rate = (name) => median(taken.rates.map((rates) => rates[name]));
  return { ...taken, rates: { flops: rate('flops'), bytes: rate('bytes') } };
}

class Side {
  /** Seconds that the first run lasted, by the clock. */
  warmUp = 0;
  #run;
  #runs = 0;

  static async warmedUp(run) {
    const side = new Side(run);
    side.warmUp = await secondsOf(() => side.#next());
    return side;
  }

  constructor(run) {
    this.#run = run;
  }

  async sample() {
    const repeats = Math.max(1, Math.min(MOST_RUNS, Math.ceil(SHORT_RUN / this.warmUp)));
    const seconds = [];
    while (seconds.length < repeats) seconds.push(await this.#next());
    return median(seconds);
  }

  #next() {
    this.#runs += 1;
    return this.#run(this.#runs - 1);
  }
}
