/** Room on the disk. */
import { statfs } from 'node:fs/promises';
import { InterrogatorError } from '../errors';

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

/** `12 MB`, `1.5 GB`. */
export function bytesText(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found && found.blocks > 0 ? found.bavail * found.bsize : undefined;
}
