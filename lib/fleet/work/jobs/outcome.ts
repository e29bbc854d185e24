/** What becomes of a job that a worker has taken. None ends as a failed one: others may do better, or later. */

export interface Done {
  kind: 'done';
  /** For Redis, which shows it. */
  result: object;
  /** Of a shard. */
  pictures: number;
}

export type Outcome =
  | Done
  /** Anybody may take it, now. */
  | { kind: 'back' }
  /** Anybody may take it, after so many milliseconds. */
  | { kind: 'later'; after: number };

/** Thrown for a job that is to be tried later for no fault of this worker. */
export class Later extends Error {
  constructor(readonly after: number) {
    super(`later: ${after} ms`);
  }
}

const FIRST_MS = 1000;
const MOST_MS = 60_000;

/** After so many times, longer each time. Those that fail together are not to come back together. */
export function pauseAfter(times: number): number {
  return Math.round(Math.min(FIRST_MS * 2 ** Math.max(0, times - 1), MOST_MS) * (0.5 + Math.random()));
}
