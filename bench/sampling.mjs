/** Ours and the peer in turn, with the machine's own rates measured in between, so that all three see the same machine. */

/** A run that lasts longer, in seconds, is done once. */
const LONG_RUN = 60;

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
 * `ours` and `peer` (null for none) resolve with seconds, which may be scaled; both are told the sample's number. `machineRates`
 * resolves with {flops, bytes} a second; `onSample` is told of each sample. After a warm-up of each side come `samples`, or one
 * where the warm-up of either lasted over a minute.
 */
export async function sampleInTurn({ ours, peer, machineRates, samples, onSample = () => {} }) {
  const warmUps = [await secondsOf(() => ours(0)), peer ? await secondsOf(() => peer(0)) : 0];
  await machineRates();
  const count = Math.max(...warmUps) > LONG_RUN ? 1 : samples;
  const taken = { ours: [], peer: [], rates: [] };
  for (let number = 1; number <= count; number += 1) {
    taken.rates.push(await machineRates());
    taken.ours.push(await ours(number));
    taken.rates.push(await machineRates());
    if (peer) taken.peer.push(await peer(number));
    onSample({ number, count, ours: taken.ours.at(-1), peer: taken.peer.at(-1) ?? null });
  }
  const rate = (name) => median(taken.rates.map((rates) => rates[name]));
  return { ours: taken.ours, peer: taken.peer, rates: { flops: rate('flops'), bytes: rate('bytes') } };
}
