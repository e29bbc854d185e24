/** Room on the disk. */
import { constants } from 'node:fs';
import { access, mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError } from '../errors';
import { isThere } from './is-there';

/** A folder that takes files, and how it is called where there is no room in it. */
export interface Room {
  folder: string;
  /** The environment variable that names another one. */
  variable: string;
}

/** Throws ERR_IO where `what` needs more bytes than the folder's file system has free. One that does not say how many passes. */
export async function requireSpace(what: string, needed: number, { folder, variable }: Room): Promise<void> {
  const free = await freeBytes(folder);
  if (free === undefined || needed <= free) return;
  throw new InterrogatorError('ERR_IO', `${what} needs ${bytesText(needed)} of disk, ${folder} has ${bytesText(free)} free.`, {
    hint: `Free some space, or name another folder in ${variable}.`,
  });
}

/** Makes the folder where it is not there. Throws ERR_IO, in plain words, where it cannot take files. */
export async function requireFolder({ folder, variable }: Room): Promise<void> {
  // What mkdir says of a disk that is read-only differs from system to system.
  let nearest = folder;
  while (!(await isThere(nearest)) && path.dirname(nearest) !== nearest) nearest = path.dirname(nearest);
  try {
    await access(nearest, constants.W_OK);
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const why = { EROFS: 'its disk is read-only', EACCES: 'this user may not', EEXIST: 'it is a file', ENOTDIR: `${nearest} is a file` }[
      code
    ];
    throw new InterrogatorError('ERR_IO', `Nothing can be written to ${folder}: ${why ?? message}.`, {
      hint: `Make it a folder that takes files, or name another one in ${variable}.`,
      cause,
    });
  }
}

/** `12 MB`, `1.5 GB`. */
export function bytesText(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found && found.blocks > 0 ? found.bavail * found.bsize : undefined;
}
