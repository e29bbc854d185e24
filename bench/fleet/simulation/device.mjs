/** A device that is not there: it works on one shard after the other, however many wait for it. */

export class SimulatedDevice {
  /** When it has done all that was given to it, in milliseconds by Date.now(). */
  #free = 0;
  #busy = 0;

  constructor(now = Date.now) {
    this.now = now;
  }

  /** Milliseconds that it was at work, those included that are still to come. */
  get busyMs() {
    return this.#busy;
  }

  /**
   * A shard of so many milliseconds comes behind those that wait. Returns when it will be begun and done. Timers that come late do not slow
   * the device down, as long as the next shard was there already: it is computed, not waited for.
   */
  take(milliseconds) {
    const begins = Math.max(this.now(), this.#free);
    this.#free = begins + milliseconds;
    this.#busy += milliseconds;
    return { begins, ends: this.#free };
  }
}

/** Of a real worker's shards, whose spread `times` is, over their mean: what a shard takes. The same shard always takes the same. */
export function serviceMs(times, shard, mean) {
  // Neighbours must not be alike: their numbers are spread over all times.
  const place = Math.imul(shard + 1, 0x9e3779b1) >>> 0;
  return mean * times[place % times.length];
}
