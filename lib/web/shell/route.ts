/** Which tab is shown: the part of the address behind #. */
import { computed, signal } from '@preact/signals';
import { status } from '../api/status';
import type { IconName } from '../parts/icon';

export const TABS = {
  interrogate: 'search',
  analyze: 'chart',
  rank: 'grid',
  folder: 'folder',
  runs: 'list',
  device: 'chip',
} as const satisfies Record<string, IconName>;
export type TabName = keyof typeof TABS;

const hash = signal(location.hash.slice(1));
addEventListener('hashchange', () => {
  hash.value = location.hash.slice(1);
});

/** What a tab needs of the server to be there. */
const isOffered: Partial<Record<TabName, () => boolean | undefined>> = {
  folder: () => status.value?.allows.folder,
  runs: () => Boolean(status.value?.fleet),
};

export const offered = computed(() => (Object.keys(TABS) as TabName[]).filter((tab) => isOffered[tab]?.() ?? !(tab in isOffered)));
export const tab = computed<TabName>(() => offered.value.find((each) => each === hash.value) ?? 'interrogate');

export function go(to: TabName): void {
  location.hash = to;
}
