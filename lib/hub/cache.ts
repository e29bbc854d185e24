/**
 * The folder in which Python's huggingface_hub keeps a repository, as its version 0.36 lays it out:
 *
 *     models--owner--name/
 *       blobs/<etag>                  contents by their hashes
 *       refs/<revision>               the commit that a branch or tag was at when it was last asked for
 *       snapshots/<commit>/<file>     links into blobs, or the files themselves where there can be no links
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hubCacheFolder } from './environment';
import { isCommit, requireRelative, requireRepository } from './names';

export class RepositoryCache {
  readonly folder: string;
  private readonly name: string;

  constructor(repository: string) {
    requireRepository(repository);
    this.name = ['models', ...repository.split('/')].join('--');
    this.folder = path.join(hubCacheFolder(), this.name);
  }

  blob(etag: string): string {
    return path.join(this.folder, 'blobs', etag);
  }

  /** The part of a content that has come so far. Python's own has another name, and is left alone. */
  part(etag: string): string {
    return `${this.blob(etag)}.torch-interrogator.incomplete`;
  }

  lock(etag: string): string {
    return path.join(hubCacheFolder(), '.locks', this.name, `${etag}.torch-interrogator.lock`);
  }

  snapshot(commit: string, file: string): string {
    return path.join(this.folder, 'snapshots', commit, ...file.split('/'));
  }

  /** The commit that the revision is or was at, undefined where the cache does not know. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const commit = await readFile(this.ref(revision), 'utf8').catch(() => '');
    return isCommit(commit.trim()) ? commit.trim() : undefined;
  }

  /** Keeps which commit a branch or tag is at. */
  async keepRef(revision: string, commit: string): Promise<void> {
    const ref = this.ref(revision);
    if (revision === commit || (await readFile(ref, 'utf8').catch(() => '')) === commit) return;
    await mkdir(path.dirname(ref), { recursive: true });
    await settle(ref, (aside) => writeFile(aside, commit));
  }

  /** Puts a content under a file's name. Without links it is moved there where it has just come, and else copied, as Python does it. */
  async place(etag: string, commit: string, file: string, { isNew }: { isNew: boolean }): Promise<void> {
    const [blob, snapshot] = [this.blob(etag), this.snapshot(commit, file)];
    await mkdir(path.dirname(snapshot), { recursive: true });
    try {
      await settle(snapshot, (aside) => symlink(path.relative(path.dirname(snapshot), blob), aside));
    } catch {
      if (isNew) await rename(blob, snapshot);
      else await settle(snapshot, (aside) => copyFile(blob, aside));
    }
  }

  private ref(revision: string): string {
    return path.join(this.folder, 'refs', ...revision.split('/'));
  }
}

/** The size of a regular file, links followed; undefined where there is none. */
export async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

/**
 * The file in the cache's snapshot of the revision (by default the branch `main`; or another, a tag, a commit). Asks nobody. Undefined where
 * it is not there, or not whole. Throws ERR_INVALID_ARGUMENT for what is no name.
 */
export async function cachedFile(
  repository: string,
  file: string,
  { revision = 'main' }: { revision?: string | undefined } = {},
): Promise<string | undefined> {
  const cache = new RepositoryCache(repository);
  requireRelative(file, 'file');
  requireRelative(revision, 'revision');
  const commit = await cache.commitOf(revision);
  if (commit === undefined) return undefined;
  const found = cache.snapshot(commit, file);
  const size = await sizeOf(found);
  if (size === undefined) return undefined;
  // Contents get their names when they are whole. What a full disk or a crash emptied is none.
  const isWhole = size > 0 || path.basename(await realpath(found)) === EMPTY_BLOB;
  return isWhole ? found : undefined;
}

const SHA_256 = /^[0-9a-f]{64}$/;
/** A small file goes by the hash that git has for it, a large one by its SHA-256. */
const CONTENT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * What the hub declared of a large file of the cache: its SHA-256, by which the content is named, and its size. A copy of the cache without
 * links has its contents twice; the one that a file should have is then the only one, or the only one of its size. Undefined where that
 * leaves it open, and for small files.
 */
export async function declaredContent(repository: string, file: string): Promise<{ bytes: number; sha256: string } | undefined> {
  const stored = await realpath(file);
  const size = (await stat(stored)).size;
  if (SHA_256.test(path.basename(stored))) return { bytes: size, sha256: path.basename(stored) };
  const blobs = path.join(new RepositoryCache(repository).folder, 'blobs');
  const names = (await readdir(blobs).catch(() => [])).filter((name) => SHA_256.test(name));
  const contents = await Promise.all(names.map(async (sha256) => ({ sha256, bytes: (await sizeOf(path.join(blobs, sha256))) ?? 0 })));
  const fitting = contents.length === 1 ? contents : contents.filter(({ bytes }) => bytes === size);
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Takes files out of the cache of a repository, with their contents. Files that lie elsewhere stay. */
export async function forget(repository: string, files: readonly string[]): Promise<void> {
  const cache = new RepositoryCache(repository);
  for (const file of files) {
    if (!path.resolve(file).startsWith(cache.folder + path.sep)) continue;
    const content = path.basename(await realpath(file));
    // What is no link has its content in a second place, whose name is not known here.
    const named = CONTENT.test(content) ? content : (await declaredContent(repository, file))?.sha256;
    await rm(file, { force: true });
    if (named) await rm(cache.blob(named), { force: true });
  }
}

/** What git calls a file of no bytes. */
const EMPTY_BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

/** Makes a file under a name of its own first, so that it is never seen half made. */
async function settle(file: string, make: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await make(aside);
    await rename(aside, file);
  } finally {
    await rm(aside, { force: true });
  }
}
