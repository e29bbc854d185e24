/** One builds a table; who else wants it waits, in other processes and in this one. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { debuglog } from 'node:util';
import { throwIfAborted } from '../errors';
import { acquireLock } from '../files/lock';
import { tell } from '../net/fetch-listener';
import type { LabelParts } from './label-parts';
import type { WantedLabels } from './wanted-labels';

/**
 * Does the work when nobody else builds the table that the parts are of, and at once where its folder takes no lock. How far the other
 * one is becomes progress of a stage `waiting for …`.
 */
export async function inOneProcess<T>(
  { labels, call }: WantedLabels,
  stage: string,
  parts: LabelParts,
  work: () => Promise<T>,
): Promise<T> {
  let isWaiting = true;
  const onWait = async (): Promise<void> => {
    const ranges = await parts.list();
    const done = ranges.reduce((sum, { begin, end }) => sum + end - begin, 0);
    // Nobody awaits this: what a listener throws must not become an unhandled rejection.
    if (isWaiting && !call.signal.aborted) tell(() => call.report({ stage: `waiting for ${stage}`, done, total: labels.length }));
  };
  const acquire = async (): Promise<() => Promise<void>> => {
    await mkdir(path.dirname(parts.lockFile), { recursive: true });
    return acquireLock(parts.lockFile, { onWait: () => void onWait(), signal: call.signal });
  };
  const release = await acquire().catch((error: unknown) => {
    throwIfAborted(call.signal);
    debug('%s cannot be had: %s', parts.lockFile, error);
    return undefined;
  });
  isWaiting = false;
  try {
    return await work();
  } finally {
    await release?.().catch((error: unknown) => debug('%s cannot be removed: %s', parts.lockFile, error));
  }
}

const debug = debuglog('torch-interrogator');
