/** Files that are no results yet. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { TEMPORARY_BASE, temporaryName } from '../../../run/outputs/temporary';
import { isMissing } from '../read-fault';

/** Others may remove a folder that is empty while something is about to come into it. */
const ATTEMPTS = 5;

export interface HiddenFile {
  file: string;
  handle: FileHandle;
}

/** A new one, in a folder that is made where it is not there. Rejects with what the file system says. */
export async function openHidden(folder: string): Promise<HiddenFile> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(folder, { recursive: true });
    const file = path.join(folder, temporaryName(TEMPORARY_BASE));
    try {
      return { file, handle: await open(file, 'wx') };
    } catch (error) {
      if (!isMissing(error) || attempt === ATTEMPTS) throw error;
    }
  }
}
