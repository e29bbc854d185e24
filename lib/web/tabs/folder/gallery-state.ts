/** The folder as it is looked at: what is filtered, the pictures that match, page by page, and the captions that were edited. */
import { signal } from '@preact/signals';
import type { Static } from '@sinclair/typebox';
import type { Folder, FolderPicture, FolderQuery, FolderRun } from '../../../server/contract/folder';
import { folder as askFolder, folderPictures, folderRuns, saveCaption } from '../../api/folder';
import { type RequestError, shownError } from '../../api/request';

const PAGE = 100;
const FILTERED_AGAIN_MS = 2_000;

export const FILTERS = ['all', 'missing', 'failed', 'duplicates'] as const;
export const filter = signal<NonNullable<FolderQuery['filter']>>('all');
export const text = signal('');
export const similar = signal('');

export const folder = signal<Static<typeof Folder> | null>(null);
export const run = signal<FolderRun | null>(null);
/** By their places; what is not fetched yet is missing. */
export const shown = signal<ReadonlyMap<number, FolderPicture>>(new Map());
export const total = signal<number | null>(null);
export const error = signal<RequestError | null>(null);

let asked = new Set<number>();
let controller = new AbortController();

/** Forgets what is shown and asks anew. */
export async function search(): Promise<void> {
  controller.abort();
  controller = new AbortController();
  asked = new Set();
  await fetchPage(0, true);
}

/** Sees to it that the pictures at these places are there. */
export function want(first: number, end: number): void {
  for (let page = Math.floor(first / PAGE); page * PAGE < Math.min(end, total.peek() ?? 0); page += 1) fetchPage(page, false);
}

async function fetchPage(page: number, isFresh: boolean): Promise<void> {
  if (asked.has(page)) return;
  asked.add(page);
  const query = { filter: filter.peek(), text: text.peek().trim(), similar: similar.peek().trim(), offset: page * PAGE, limit: PAGE };
  const { signal: abort } = controller;
  try {
    const { pictures, total: count } = await folderPictures(query, abort);
    const before = isFresh ? [] : shown.peek();
    shown.value = new Map([...before, ...pictures.map((picture, i) => [page * PAGE + i, picture] as const)]);
    total.value = count;
    error.value = null;
  } catch (cause) {
    const problem = shownError(cause);
    if (!problem) return;
    asked.delete(page);
    error.value = problem;
  }
}

export async function refreshFolder(): Promise<void> {
  try {
    folder.value = await askFolder();
    run.value = folder.value.run;
  } catch (cause) {
    error.value = shownError(cause);
  }
}

/** Follows the run, and looks at the pictures again while it goes on. */
export async function followRun(abort: AbortSignal): Promise<void> {
  let last = 0;
  try {
    for await (const state of folderRuns(abort)) {
      const hasEnded = run.peek()?.state === 'running' && state.state !== 'running';
      run.value = state;
      if (!hasEnded && Date.now() - last < FILTERED_AGAIN_MS) continue;
      last = Date.now();
      await refreshQuietly();
    }
  } catch (cause) {
    error.value = shownError(cause) ?? error.value;
  }
}

/** The same places again, without an empty moment. */
async function refreshQuietly(): Promise<void> {
  const pages = [...asked];
  asked = new Set();
  await Promise.all([refreshFolder(), ...pages.map((page) => fetchPage(page, false))]);
}

interface Edit {
  id: string;
  path: string;
  before: string | null;
}

/** What can be taken back, the last edit at the end. */
export const edits = signal<readonly Edit[]>([]);

/** Throws a RequestError of status 409 where somebody else changed it meanwhile. */
export async function edit(picture: FolderPicture, caption: string | null): Promise<void> {
  replace(await saveCaption(picture.id, caption, picture.caption));
  edits.value = [...edits.value, { id: picture.id, path: picture.path, before: picture.caption }];
}

export async function undo(): Promise<void> {
  const last = edits.peek().at(-1);
  if (!last) return;
  const now = [...shown.peek().values()].find(({ id }) => id === last.id);
  try {
    replace(await saveCaption(last.id, last.before, now?.caption ?? null));
    edits.value = edits.peek().slice(0, -1);
  } catch (cause) {
    error.value = shownError(cause);
  }
}

function replace(picture: FolderPicture): void {
  shown.value = new Map([...shown.peek()].map(([place, each]) => [place, each.id === picture.id ? { ...each, ...picture } : each]));
}
