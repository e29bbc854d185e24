/** Room on the disk. */
import { statfs } from 'node:fs/promises';

/** Bytes that may be written below the folder, undefined where the file system does not say. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const found = await statfs(folder).catch(() => undefined);
  return found && found.blocks > 0 ? found.bavail * found.bsize : undefined;
}
