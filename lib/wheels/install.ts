/** Makes a folder in the cache out of wheels, once, whole or not at all: find, download, unpack under a temporary name, rename. */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AbortError, throwIfAborted } from '../errors';
import { cacheFolder } from '../files/cache-folder';
import { acquireLock } from '../files/lock';
import { requireFolder, requireSpace } from '../files/space';
import { diskError, download, isOfDisk } from '../net/download';
import type { FetchListener } from '../net/fetch-listener';
import { Part } from '../net/part';
import { findWheel, type Wheel } from './find-wheel';
import { readPipSettings } from './pip-settings';
import { unpackWheel } from './unpack';

export interface Installation {
  /** What it is called in messages: `libtorch`. */
  title: string;
  wheels: readonly Wheel[];
  /** Where an entry of a wheel goes in the folder; undefined for one that is not needed. */
  place(name: string): string | undefined;
  /** Bytes of disk that downloads and unpacked files take together, with some room. */
  space: number;
  /** What to do about a failure of the network. */
  hint: string;
  /** Throws where what was unpacked is not what it should be. */
  check?(folder: string): void;
}

export interface InstallOptions {
  report?: FetchListener;
  signal?: AbortSignal | undefined;
}

/**
 * Makes the folder unless it is there. Only one process does at a time; others wait for it. A break continues where it stopped.
 * Rejects with ERR_NETWORK, ERR_CONFIG (pip's settings), ERR_IO, an AbortError, or what `check`, `report` or the reader of wheels throws.
 */
export async function install(
  folder: string,
  installation: Installation,
  { report = () => {}, signal }: InstallOptions = {},
): Promise<void> {
  try {
    await requireFolder({ folder: path.dirname(folder), variable: CACHE_VARIABLE });
    const onWait = (): void => report(`Waiting for another process that fetches ${installation.title}`, 0, 0);
    const release = await acquireLock(`${folder}.lock`, { onWait, signal });
    try {
      if (!existsSync(folder)) await fetchInto(folder, installation, report, signal);
    } finally {
      await release();
    }
  } catch (error) {
    if (signal?.aborted) throw new AbortError(signal.reason);
    throw isOfDisk(error) ? diskError(error) : error;
  }
}

const CACHE_VARIABLE = 'TORCH_INTERROGATOR_CACHE';

async function fetchInto(
  folder: string,
  installation: Installation,
  report: FetchListener,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { title, wheels, place, space, hint, check } = installation;
  report(`Asking the package index for ${title}`, 0, 0);
  const downloads = path.join(cacheFolder(), 'downloads');
  await requireFolder({ folder: downloads, variable: CACHE_VARIABLE });
  await requireSpace(title, space, { folder: cacheFolder(), variable: CACHE_VARIABLE });

  const settings = readPipSettings();
  // The hash is part of the name, so that a continued file is the same file. So is the folder, whose lock is held: others may be made of
  // the same wheels at the same time.
  const fileOf = ({ name, sha256 }: Wheel): string => `${path.basename(folder)}.${name}-${sha256.slice(0, 16)}.whl`;
  const files = wheels.map((wheel) => ({ ...wheel, file: path.join(downloads, fileOf(wheel)), wheel }));
  for (const { name, version, sha256, file, wheel } of files) {
    // Its name says that it was whole; a crash of the machine or a bad disk may have changed that.
    if (existsSync(file) && (await new Part(file, { sha256 }).fault(signal)) === undefined) continue;
    const url = await findWheel(wheel, settings, { hint, signal });
    await download(url, file, {
      ...settings.connection,
      idleMs: settings.idleMs,
      signal,
      sha256,
      hint,
      onProgress: report.bind(undefined, `Downloading ${name} ${version}`),
    });
    throwIfAborted(signal);
  }

  const temporary = `${folder}.unpacking`;
  // What a process that was killed while it unpacked left behind. The lock is held, so nobody is at it.
  await rm(temporary, { recursive: true, force: true });
  for (const { name, version, file } of files) {
    await unpackWheel(file, temporary, { place, signal, onProgress: report.bind(undefined, `Unpacking ${name} ${version}`) });
  }
  check?.(temporary);
  await rename(temporary, folder);
  for (const { file } of files) await rm(file, { force: true });
}
