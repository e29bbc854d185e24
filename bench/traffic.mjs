/** Traffic on one function: so many callers at a time, or so many calls a second. */
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a caller who was refused waits before the next call. */
const RETRY_MS = 20;

/** `callers` callers, each of which calls again when it was answered. `call` is told the call's number. */
export async function closedLoop(call, { callers, seconds }) {
  const tally = new Tally();
  const end = performance.now() + seconds * 1000;
  const caller = async () => {
    while (performance.now() < end) {
      const accepted = await tally.follow(call);
      if (!accepted) await sleep(RETRY_MS);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return tally.result();
}

/** `rate` calls a second at even distances, whether or not earlier ones were answered. Ends when all are. */
export async function openLoop(call, { rate, seconds }) {
  const tally = new Tally();
  const began = performance.now();
  const calls = [];
  const total = Math.max(1, Math.round(rate * seconds));
  for (let number = 0; number < total; number += 1) {
    await sleep(Math.max(0, began + (number * 1000) / rate - performance.now()));
    calls.push(tally.follow(call));
  }
  await Promise.all(calls);
  return tally.result();
}

/** Counts calls and how they ended; latencies are of those that were answered. */
class Tally {
  #latencies = createHistogram();
  #counts = { offered: 0, answered: 0, refused: 0, failed: 0 };
  #firstFailure;
  #began = performance.now();

  /** Whether the call was accepted, however it ended. */
  async follow(call) {
    const began = performance.now();
    try {
      await call(this.#counts.offered++);
      this.#counts.answered += 1;
      this.#latencies.record(Math.max(1, Math.round((performance.now() - began) * 1e6)));
    } catch (error) {
      if (error.code === 'ERR_BUSY') {
        this.#counts.refused += 1;
        return false;
      }
      this.#counts.failed += 1;
      this.#firstFailure ??= `${error.code ?? error.name}: ${error.message}`;
    }
    return true;
  }

  result() {
    const { answered } = this.#counts;
    const latency = (nanoseconds) => (answered > 0 ? nanoseconds / 1e9 : null);
    return {
      ...this.#counts,
      calls_per_s: answered / ((performance.now() - this.#began) / 1000),
      p50_s: latency(this.#latencies.percentile(50)),
      p99_s: latency(this.#latencies.percentile(99)),
      most_s: latency(this.#latencies.max),
      ...(this.#firstFailure && { first_failure: this.#firstFailure }),
    };
  }
}
