/** What the server says of itself, asked again and again while the page is looked at. */
import { effect, signal } from '@preact/signals';
import type { Status } from '../../server/contract/models';
import { apiKey, keyIsWanted } from './key';
import { lostCount, RequestError, requestJson } from './request';

const EVERY_MS = 5_000;
/** While the server is gone or gets ready: soon again. */
const SOON_MS = 1_500;

/** null until the first answer. */
export const status = signal<Status | null>(null);
/** The last try got no answer at all. */
export const isOffline = signal(false);

let timer: ReturnType<typeof setTimeout> | undefined;

/** Asks now, and plans the next time. */
export async function refreshStatus(): Promise<void> {
  clearTimeout(timer);
  try {
    status.value = await requestJson<Status>('v1/status');
    isOffline.value = false;
    if (!status.value.needsKey) keyIsWanted.value = false;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    isOffline.value = error.code === 'ERR_CONNECTION';
    // Another key begins anew.
    if (error.status === 401) return;
  }
  const isSettled = !isOffline.value && status.value?.state === 'ready';
  if (!document.hidden) timer = setTimeout(refreshStatus, isSettled ? EVERY_MS : SOON_MS);
}

export function followStatus(): void {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) refreshStatus();
  });
  // With another key the server may say more.
  effect(() => {
    apiKey.value;
    refreshStatus();
  });
  // What broke the connection of another request has most likely ended the server; this one's own loss is known already.
  effect(() => {
    if (lostCount.value > 0 && !isOffline.peek()) refreshStatus();
  });
}
