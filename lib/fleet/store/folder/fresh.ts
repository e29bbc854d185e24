/** What a shared folder has now. */
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '../read-fault';

/**
 * Looks for a file, and again where it is not there. A client of NFS remembers for up to a minute that it has not found a name; opening a
 * folder makes it ask the server whether the folder has changed. `root`: the folder from which on others may have changed something.
 */
export async function lookAfresh<T>(root: string, file: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  let folder = root;
  for (const part of ['', ...path.relative(root, path.dirname(file)).split(path.sep)]) {
    folder = path.join(folder, part);
    const opened = await opendir(folder).catch(() => undefined);
    await opened?.close();
  }
  return await look();
}
