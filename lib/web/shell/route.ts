/** Which tab is shown: the part of the address behind #. */
import { computed, signal } from '@preact/signals';
import { status } from '../api/status';
import type { IconName } from '../parts/icon';

export const TABS = {
  interrogate: 'search',
  analyze: 'chart',
  rank: 'grid',
  folder: 'folder',
  device: 'chip',
} as const satisfies Record<string, IconName>;
export type TabName = keyof typeof TABS;

const hash = signal(location.hash.slice(1));
addEventListener('hashchange', () => {
  hash.value = location.hash.slice(1);
});

/** The folder's tab is there where the server was started with a folder. */
export const offered = computed(() => (Object.keys(TABS) as TabName[]).filter((tab) => tab !== 'folder' || status.value?.allows.folder));
export const tab = computed<TabName>(() => offered.value.find((each) => each === hash.value) ?? 'interrogate');

export function go(to: TabName): void {
  location.hash = to;
}
