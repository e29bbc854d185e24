/** Who asks: for fairness, for cancelling, and for telling how far it is. */
import type { ProgressEvent } from '../../index';

/** Where the time of a request went, in seconds. */
export interface Times {
  /** When it came: milliseconds, of performance.now(). */
  began: number;
  /** In line for the device. */
  queue: number;
  /** On the device, and in decoding for it. */
  inference: number;
  /** Tokenising texts by themselves; within inference for prompts. */
  tokenization: number;
  /** Waiting for models to be loaded. */
  load: number;
}

export interface Caller {
  /** The API key's digest, or the address. */
  id: string;
  /** Fires when the client has left, and when the server gives the request up. */
  signal: AbortSignal;
  times: Times;
  trace: Trace;
  /** Somebody listens to what is reported. */
  isWatched: boolean;
  report(event: ProgressEvent & { seconds?: number }): void;
}

/** Spans of a request: what happens now, one after the other. */
export interface Trace {
  /** Ends the span before it, and begins one of this name; undefined only ends. */
  now(stage: string | undefined): void;
}

export const NO_TRACE: Trace = { now: () => {} };

export function noTimes(): Times {
  return { began: performance.now(), queue: 0, inference: 0, tokenization: 0, load: 0 };
}
