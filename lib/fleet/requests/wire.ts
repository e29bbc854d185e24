/** How a request of one process is answered by another, through a queue of BullMQ. */

const { version } = require('../../../package.json') as { version: string };

/** Processes of different versions do not understand each other: each version has a queue. */
export const REQUESTS = `requests-${version}`;

/** Where requests are called off that somebody works on: their ids are published. */
export function callOffChannel(prefix: string): string {
  return `${prefix}:${REQUESTS}:call-off`;
}

/** A request as the queue has it. Small: what is large goes from process to process. */
export interface RequestJob {
  /** What is to be done. */
  call: string;
  /** Who asks: those who ask take turns. */
  client: string;
  /** Progress is wanted. */
  isWatched: boolean;
  /** Whatever the two sides have agreed on. */
  body: object;
}

/** With who asks, for the worker to see whether they still do. */
export interface QueuedRequest extends RequestJob {
  asker: string;
}

/** What the queue has of a request that was not answered, because who asked was not heard of. Who lives nevertheless asks again. */
export const UNASKED = { isUnasked: true } as const;

export function isUnasked(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'isUnasked' in value;
}

/** A person waits: who holds a request and is not heard of for so long is thought dead. */
export const LOCK_MS = 5000;
export const STALLED_MS = 2000;
/** Workers that may die of one request before it is thought to be its fault. */
export const MOST_DEATHS = 3;
/** Seconds that an answer stays where nobody took it. */
export const KEPT_SECONDS = 60;
/** Events of the queue that are kept for those who were away. */
export const MOST_EVENTS = 5000;
/** How often each side notes that the queue of its version is used. */
export const USE_MS = 60_000;
