/** Ours and the peer in turn, with the machine's own rates measured in between, so that all three see the same machine. */

/** A run of more seconds than this is done once. */
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
 * `ours` and `peer` (null for none) resolve with seconds; both are told the sample's number. `machineRates` resolves with
 * {flops, bytes} a second. After one warm-up run of each, `samples` of each; one where the longer takes over a minute.
 */
export async function sampleInTurn({ ours, peer, machineRates, samples, onSample = () => {} }) {
  const warmUps = [await ours(0)];
  if (peer) warmUps.push(await peer(0));
  await machineRates();
  const count = Math.max(...warmUps) > LONG_RUN ? 1 : samples;
  const taken = { ours: [], peer: [], rates: [] };
  for (let number = 1; number <= count; number += 1) {
    taken.rates.push(await machineRates());
    taken.ours.push(await ours(number));
    taken.rates.push(await machineRates());
    if (peer) taken.peer.push(await peer(number));
    onSample(number, count);
  }
  const rate = (name) => median(taken.rates.map((rates) => rates[name]));
  return { ours: taken.ours, peer: taken.peer, rates: { flops: rate('flops'), bytes: rate('bytes') } };
}
