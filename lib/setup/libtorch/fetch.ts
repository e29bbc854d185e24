/** Fetches a libtorch into the cache folder: resolve, download, unpack under a temporary name, rename. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError } from '../../errors';
import { cacheFolder } from '../../files/cache-folder';
import { acquireLock } from '../../files/lock';
import { diskError, download } from '../../net/download';
import type { FetchListener } from '../../net/fetch-bar';
import { inspectLibtorch } from './inspect';
import { fetchedFolder } from './locate';
import { unpackWheel } from './unpack';
import { NETWORK_HINT, requirements, resolveWheels } from './wheels';

/** Bytes of disk that download and unpacked files take together, with some room. */
const SPACE = { cpu: 1.5e9, cuda: 9e9 } as const;

/**
 * Fetches the variant unless another process just did. Only one process fetches at a time; others wait for it.
 * @throws ERR_LIBTORCH_NOT_FOUND (no Python or pip), ERR_NETWORK, ERR_IO, and what inspectLibtorch() throws
 */
export async function fetchLibtorch(variant: 'cpu' | 'cuda', report: FetchListener): Promise<void> {
  const target = fetchedFolder(variant);
  try {
    await mkdir(cacheFolder(), { recursive: true });
    const onWait = (): void => report('Waiting for another process that fetches libtorch', 0, 0);
    const release = await acquireLock(`${target}.lock`, { onWait });
    try {
      if (!existsSync(target)) await fetchInto(target, variant, report);
    } finally {
      await release();
    }
  } catch (error) {
    throw error instanceof InterrogatorError ? error : diskError(error as NodeJS.ErrnoException);
  }
}

async function fetchInto(target: string, variant: 'cpu' | 'cuda', report: FetchListener): Promise<void> {
  report('Asking pip where libtorch is', 0, 0);
  const { wheels, certificates } = await resolveWheels(requirements(variant));
  const downloads = path.join(cacheFolder(), 'downloads');
  await mkdir(downloads, { recursive: true });
  await requireSpace(variant);

  // The hash is part of the name, so that a continued file is the same file.
  const files = wheels.map((wheel) => ({ ...wheel, file: path.join(downloads, `${wheel.name}-${wheel.sha256.slice(0, 16)}.whl`) }));
  for (const { name, version, url, sha256, file } of files) {
    const onProgress = report.bind(undefined, `Downloading ${name} ${version}`);
    if (!existsSync(file)) await download(url, file, { sha256, certificates, onProgress, hint: NETWORK_HINT });
  }

  const temporary = `${target}.unpacking`;
  // What a process that was killed while it unpacked left behind. The lock is held, so nobody is at it.
  await rm(temporary, { recursive: true, force: true });
  for (const { name, version, file } of files) {
    await unpackWheel(file, temporary, variant, report.bind(undefined, `Unpacking ${name} ${version}`));
  }
  inspectLibtorch(temporary, { named: 'What was fetched', cuda: variant === 'cuda' });
  await rename(temporary, target);
  for (const { file } of files) await rm(file, { force: true });
}

async function requireSpace(variant: 'cpu' | 'cuda'): Promise<void> {
  const { bavail, bsize } = await statfs(cacheFolder());
  const free = bavail * bsize;
  if (free >= SPACE[variant]) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const fault = `libtorch needs ${gigabytes(SPACE[variant])} of disk, ${cacheFolder()} has ${gigabytes(free)} free.`;
  throw new InterrogatorError('ERR_IO', fault, { hint: 'Free some space, or name another folder in TORCH_INTERROGATOR_CACHE.' });
}
