/** The runs and the workers of the fleet, asked for again and again while somebody looks. */
import { signal } from '@preact/signals';
import type { FleetWorker, Run } from '../../../server/contract/runs';
import { type RequestError, shownError } from '../../api/request';
import { runs, workers } from '../../api/runs';

const EVERY_MS = 2000;
const PAGE = 50;

/** null until the first answer. */
export const list = signal<readonly Run[] | null>(null);
/** Of the runs that are known; more than are listed. */
export const total = signal(0);
export const crew = signal<readonly FleetWorker[]>([]);
/** Why what is shown may be old. */
export const error = signal<RequestError | null>(null);

let limit = PAGE;
let asking: AbortController | undefined;

/** Asks now. What was being asked for is not waited for. */
export async function refreshRuns(): Promise<void> {
  asking?.abort();
  const own = new AbortController();
  asking = own;
  try {
    const [page, seen] = await Promise.all([runs(limit, own.signal), workers(own.signal)]);
    list.value = page.runs;
    total.value = page.total;
    crew.value = seen;
    error.value = null;
  } catch (cause) {
    // null where a newer question has taken the place of this one.
    error.value = shownError(cause) ?? error.value;
  }
}

export function showMore(): void {
  limit += PAGE;
  refreshRuns();
}

/** Until what it returns is called. */
export function followRuns(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const next = async (): Promise<void> => {
    clearTimeout(timer);
    if (!document.hidden) await refreshRuns();
    if (!isOver && !document.hidden) timer = setTimeout(next, EVERY_MS);
  };
  document.addEventListener('visibilitychange', next);
  next();
  return () => {
    isOver = true;
    clearTimeout(timer);
    asking?.abort();
    document.removeEventListener('visibilitychange', next);
  };
}
