/** What the simulated workers told, as figures. */

/** The part of their time that devices were at work between two moments: `begun` is of SimulatedFleet. 1 is ideal. */
export function utilization(begun, workers, from, until) {
  let busy = 0;
  for (const { begins, ends } of begun) busy += Math.max(0, Math.min(ends, until) - Math.max(begins, from));
  return busy / (workers * (until - from));
}

export function countBetween(events, from, until) {
  return events.reduce((sum, { at }) => sum + (at > from && at <= until ? 1 : 0), 0);
}

/** Nearest rank; null of nothing. */
export function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => (sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))]);
  return { p50: at(0.5), p99: at(0.99), most: at(1) };
}
