/** Fetches a libtorch into the cache folder: resolve, download, unpack under a temporary name, rename. */
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from '../../bundles/cache-folder';
import { AbortError, InterrogatorError } from '../../errors';

import { diskError, download } from './download';
import { inspectLibtorch } from './inspect';
import { fetchedFolder } from './locate';
import { acquireLock } from './lock';
import { neededByCpp, unpackWheel } from './unpack';
import { requirements, resolveWheels, type Wheel } from './wheels';

export interface FetchProgress {
  step: 'wait' | 'resolve' | 'download' | 'unpack';
  /** The file at hand, empty while resolving. */
  name: string;
  /** Bytes of this file; total is 0 where it is not known. */
  done: number;
  total: number;
}

export interface FetchOptions {
  signal?: AbortSignal;
  onProgress?: (progress: FetchProgress) => void;
}

/** Bytes of disk that download and unpacked files take together, with some room. */
const SPACE = { cpu: 1.5e9, cuda: 9e9 } as const;

/** Fetches the variant unless another process just did. Only one process fetches at a time; others wait for it. */
export async function fetchLibtorch(variant: 'cpu' | 'cuda', options: FetchOptions = {}): Promise<void> {
  const target = fetchedFolder(variant);
  try {
    await mkdir(cacheFolder(), { recursive: true });
    const onWait = (): void => options.onProgress?.({ step: 'wait', name: '', done: 0, total: 0 });
    const release = await acquireLock(`${target}.lock`, { signal: options.signal, onWait });
    try {
      if (!(await exists(target))) await fetchInto(target, variant, options);
    } finally {
      await release();
    }
  } catch (error) {
    if (error instanceof InterrogatorError) throw error;
    if (options.signal?.aborted) throw new AbortError(options.signal.reason);
    throw diskError(error as NodeJS.ErrnoException);
  }
}

async function fetchInto(target: string, variant: 'cpu' | 'cuda', { signal, onProgress }: FetchOptions): Promise<void> {
  onProgress?.({ step: 'resolve', name: '', done: 0, total: 0 });
  const { wheels, certificates } = await resolveWheels(requirements(variant), signal);
  const downloads = path.join(cacheFolder(), 'downloads');
  await mkdir(downloads, { recursive: true });
  await requireSpace(variant);

  const files: string[] = [];
  for (const wheel of wheels) {
    const file = path.join(downloads, fileName(wheel));
    files.push(file);
    if (await exists(file)) continue;
    await download(wheel.url, file, {
      sha256: wheel.sha256,
      signal,
      certificates,
      onProgress: (done, total) => onProgress?.({ step: 'download', name: `${wheel.name} ${wheel.version}`, done, total }),
    });
  }

  await removeLeftovers(target);
  const temporary = `${target}.unpacking-${process.pid}`;
  for (const [index, file] of files.entries()) {
    const { name, version } = wheels[index] as Wheel;
    await unpackWheel(file, temporary, {
      wanted: neededByCpp(variant),
      signal,
      onProgress: (done, total) => onProgress?.({ step: 'unpack', name: `${name} ${version}`, done, total }),
    });
  }
  inspectLibtorch(temporary, { named: 'What was fetched', cuda: variant === 'cuda' });
  await rename(temporary, target);
  for (const file of files) await rm(file, { force: true });
}

/** The hash is part of the name, so that a continued file is the same file. */
function fileName({ name, sha256 }: Wheel): string {
  return `${name}-${sha256.slice(0, 16)}.whl`;
}

/** What a process that was killed while unpacking left behind. The lock is held, so nobody is at it. */
async function removeLeftovers(target: string): Promise<void> {
  const prefix = `${path.basename(target)}.unpacking-`;
  for (const name of await readdir(path.dirname(target))) {
    if (name.startsWith(prefix)) await rm(path.join(path.dirname(target), name), { recursive: true, force: true });
  }
}

async function requireSpace(variant: 'cpu' | 'cuda'): Promise<void> {
  const { bavail, bsize } = await statfs(cacheFolder());
  const free = bavail * bsize;
  if (free >= SPACE[variant]) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new InterrogatorError(
    'ERR_IO',
    `libtorch needs ${gigabytes(SPACE[variant])} of disk, ${cacheFolder()} has ${gigabytes(free)} free.`,
    {
      hint: 'Free some space, or name another folder in TORCH_INTERROGATOR_CACHE.',
    },
  );
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => null)) !== null;
}
