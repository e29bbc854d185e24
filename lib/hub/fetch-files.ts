/**
 * Fetches files of the hub into the cache that Python's huggingface_hub keeps. The npm package @huggingface/hub 2.15 begins again after a
 * break, checks no hash and locks nothing; it uses fetch(), which knows no proxy, and names some contents otherwise than Python does.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { throwIfAborted } from '../errors';
import { acquireLock } from '../files/lock';
import { requireFolder, requireSpace } from '../files/space';
import { diskError, isOfDisk } from '../net/download';
import { tell } from '../net/fetch-listener';
import { cachedFile, RepositoryCache, sizeOf } from './cache';
import { downloadContent } from './content';
import { hubCacheFolder } from './environment';
import { type AskOptions, type FileFacts, fileFacts } from './facts';

export interface FetchOptions extends AskOptions {
  /** A branch that the cache is to know by the commit of these files, once they are there. Default: the revision. */
  ref?: string | undefined;
  /** Bytes of a file so far, and in all. What it throws is ignored. */
  onProgress?: ((file: string, done: number, total: number) => void) | undefined;
  /** Another process fetches this file, and is waited for. What it throws is ignored. */
  onWait?: ((file: string) => void) | undefined;
  /** Files that are fetched at a time. Default 4. */
  parallel?: number | undefined;
}

/** A content, and the files that have it. */
interface Content extends FileFacts {
  files: string[];
}

/** What one call fetches from where to where. */
interface Fetching {
  repository: string;
  cache: RepositoryCache;
  options: FetchOptions;
}

/**
 * The paths of these files of a repository, all of one commit, in the cache; what is not there yet is fetched. A revision of which the
 * cache has all of them is not asked for again. What broke off, in whatever process, goes on where it stopped.
 * Throws ERR_NETWORK (a `HubError` where the hub refused), ERR_IO, ERR_INVALID_ARGUMENT, ERR_CONFIG, AbortError.
 */
export async function fetchFiles(repository: string, files: readonly string[], options: FetchOptions = {}): Promise<string[]> {
  const { revision = 'main', ref = revision, signal, parallel = 4 } = options;
  throwIfAborted(signal);
  const cached = await Promise.all(files.map((file) => cachedFile(repository, file, { revision })));
  const fetching = { repository, cache: new RepositoryCache(repository), options };
  try {
    if (cached.every((file) => file !== undefined)) {
      if (ref !== revision) await fetching.cache.keepRef(ref, revision);
      return cached;
    }
    const { commit, contents } = await contentsOf(fetching, files);
    await requireRoom(fetching, contents);
    await inParallel(contents, parallel, signal, (content, either) => obtain(fetching, content, either));
    // Last, so that who asks the cache alone has the whole of the older commit until the newer is there.
    await fetching.cache.keepRef(ref, commit);
    return files.map((file) => fetching.cache.snapshot(commit, file));
  } catch (error) {
    throw isOfDisk(error) ? diskError(error, FOLDER_VARIABLE) : error;
  }
}

const FOLDER_VARIABLE = 'HF_HUB_CACHE';

/** The commit of the revision, and what of it is not in the cache. */
async function contentsOf({ repository, options }: Fetching, files: readonly string[]): Promise<{ commit: string; contents: Content[] }> {
  const { revision = 'main', signal, parallel = 4 } = options;
  const [file, ...others] = new Set(files) as unknown as [string, ...string[]];
  // The first one says which commit it is: a branch may move on between two questions.
  const first = await fileFacts({ repository, revision, file }, { signal });
  const { commit } = first;
  const facts = new Map([[file, first]]);
  await inParallel(others, parallel, signal, async (other, either) => {
    if (await cachedFile(repository, other, { revision: commit })) return;
    facts.set(other, await fileFacts({ repository, revision: commit, file: other }, { signal: either }));
  });
  const contents = new Map<string, Content>();
  for (const [name, one] of facts) {
    const content = contents.get(one.etag);
    if (content) content.files.push(name);
    else contents.set(one.etag, { ...one, files: [name] });
  }
  return { commit, contents: [...contents.values()] };
}

async function requireRoom({ repository, cache }: Fetching, contents: readonly Content[]): Promise<void> {
  let needed = 0;
  for (const content of contents) {
    if (await isThere(cache, content)) continue;
    needed += content.bytes - ((await sizeOf(cache.part(content.etag))) ?? 0);
  }
  const room = { folder: hubCacheFolder(), variable: FOLDER_VARIABLE };
  await requireFolder(room);
  await requireSpace(repository, needed, room);
}

async function isThere(cache: RepositoryCache, { etag, bytes, commit, files }: Content): Promise<boolean> {
  if ((await sizeOf(cache.blob(etag))) === bytes) return true;
  const sizes = await Promise.all(files.map((file) => sizeOf(cache.snapshot(commit, file))));
  return sizes.every((size) => size === bytes);
}

/** Puts a content into the cache, and under the names of its files. Only one process does it at a time. */
async function obtain(fetching: Fetching, content: Content, signal: AbortSignal): Promise<void> {
  const { cache } = fetching;
  const { etag, commit, bytes, files } = content;
  const lock = cache.lock(etag);
  for (const file of [lock, cache.blob(etag)]) await mkdir(path.dirname(file), { recursive: true });
  const release = await acquireLock(lock, { onWait: waitListener(fetching, content), signal });
  try {
    const isNew = !(await isThere(cache, content));
    if (isNew) await fetchContent(fetching, content, signal);
    for (const file of files) {
      const isLast = file === files.at(-1);
      if ((await sizeOf(cache.snapshot(commit, file))) !== bytes) await cache.place(etag, commit, file, { isNew: isNew && isLast });
    }
  } finally {
    await release();
  }
}

async function fetchContent({ repository, cache, options }: Fetching, content: Content, signal: AbortSignal): Promise<void> {
  const { etag, bytes, files } = content;
  const [file] = files as [string];
  await downloadContent({ repository, file }, content, cache.blob(etag), {
    part: cache.part(etag),
    folderVariable: FOLDER_VARIABLE,
    signal,
    onProgress: (done) => tell(() => options.onProgress?.(file, done, bytes)),
  });
}

/** Tells once that another process fetches, and then how far it has come. */
function waitListener({ cache, options }: Fetching, { etag, bytes, files }: Content): () => void {
  const [file] = files as [string];
  let isTold = false;
  return () => {
    if (!isTold) tell(() => options.onWait?.(file));
    isTold = true;
    void sizeOf(cache.part(etag)).then((done) => {
      if (done !== undefined) tell(() => options.onProgress?.(file, done, bytes));
    });
  };
}

/** Works on so many items at a time. The first failure ends the others and is thrown, when all have ended. */
async function inParallel<T>(
  items: readonly T[],
  most: number,
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const failures: unknown[] = [];
  const waiting = [...items];
  const takeTurns = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      await work(item, either).catch((failure) => {
        failures.push(failure);
        waiting.length = 0;
        failed.abort();
      });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.floor(most)) }, takeTurns));
  if (failures.length > 0) throw failures[0];
}
