/** Prompts that were made on this page before, in the browser's own database. */
import { signal } from '@preact/signals';
import type { InterrogateAnswer } from '../../../../server/contract/interrogate';
import type { Picture } from '../../../pictures/pictures';
import { copyOf } from '../../../pictures/thumbnails';
import type { Mode } from '../asking/settings';

const MOST = 200;

export interface Remembered {
  /** Picture, mode and prompt: the same again only comes to the front. */
  id: string;
  time: number;
  name: string;
  mode: Mode;
  prompt: string;
  similarity: number | null;
  thumbnail: Blob | null;
}

/** The newest first. */
export const history = signal<readonly Remembered[]>([]);

let opened: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const opening = indexedDB.open('torch-interrogator', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('history', { keyPath: 'id' });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  return opened;
}

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const asked = work((await database()).transaction('history', mode).objectStore('history'));
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

export async function readHistory(): Promise<void> {
  try {
    const all = await inStore<Remembered[]>('readonly', (store) => store.getAll());
    history.value = all.sort((a, b) => b.time - a.time);
  } catch {
    // Where the browser keeps nothing (a private window), the history lasts as long as the page.
  }
}

export async function remember(picture: Picture, answer: InterrogateAnswer): Promise<void> {
  const thumbnail = await copyOf(picture).catch(() => null);
  const made = answer.descriptions.map(({ mode, prompt, similarity }): Remembered => {
    const id = `${answer.picture.id} ${mode} ${prompt}`;
    return { id, time: Date.now(), name: picture.name, mode, prompt, similarity: similarity ?? null, thumbnail };
  });
  // What is shown is kept already.
  for (const entry of made) await quietly((store) => store.put(entry));
  const ids = new Set(made.map(({ id }) => id));
  const all = [...made, ...history.value.filter(({ id }) => !ids.has(id))];
  history.value = all.slice(0, MOST);
  for (const { id } of all.slice(MOST)) await quietly((store) => store.delete(id));
}

export async function forget(id: string): Promise<void> {
  history.value = history.value.filter((entry) => entry.id !== id);
  await quietly((store) => store.delete(id));
}

export async function forgetAll(): Promise<void> {
  history.value = [];
  await quietly((store) => store.clear());
}

async function quietly<T>(work: (store: IDBObjectStore) => IDBRequest<T>): Promise<void> {
  await inStore('readwrite', work).catch(() => undefined);
}
