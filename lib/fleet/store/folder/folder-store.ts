/** Results in a folder that all machines of a fleet share. */
import { type FileHandle, lstat, open, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { abandonable } from '../../../abort';
import { InterrogatorError } from '../../../errors';
import { isThere } from '../../../files/is-there';
import { outputFault } from '../../../run/disk-fault';
import { LeftFiles } from '../../../run/outputs/temporary';
import { chunkStream } from '../chunk-stream';
import { checkName, checkRemoved } from '../names';
import { isMissing, readFault } from '../read-fault';
import type { ResultStore } from '../store';
import { lookAfresh } from './fresh';
import { openHidden } from './hidden-file';
import { Incoming } from './incoming';
import { filesBelow, removeBelow } from './tree';

/** Pieces of a file that is read. */
const CHUNK = 1 << 18;

/**
 * NFS, SMB and disks of this machine. A file is written under a hidden name and comes into its place by a hard link or by renaming; what
 * killed writers leave has a hidden name, and is removed by the next writer of their machine, or after a week by any.
 */
export class FolderStore implements ResultStore {
  private readonly left = new LeftFiles();

  /** `root`: the location, resolved. */
  constructor(
    readonly location: string,
    private readonly root: string,
  ) {}

  /** A share that hangs is waited for until the signal fires. */
  async check(signal?: AbortSignal): Promise<void> {
    await abandonable(this.tryWriting(), signal);
  }

  /** Where the folder is not there yet, in the one that it is to come into: folders that were made for a trial could not go with it. */
  private async tryWriting(): Promise<void> {
    let folder = this.root;
    while (!(await isThere(folder)) && path.dirname(folder) !== folder) folder = path.dirname(folder);
    try {
      const { file, handle } = await openHidden(folder);
      try {
        await handle.writeFile('torch-interrogator\n');
        await handle.sync();
      } finally {
        await handle.close();
        await rm(file, { force: true });
      }
    } catch (error) {
      throw outputFault(this.location, error);
    }
  }

  async putIfAbsent(name: string, file: string): Promise<boolean> {
    return await (await this.incoming(name, file)).takeFree();
  }

  async put(name: string, file: string): Promise<void> {
    await (await this.incoming(name, file)).replace();
  }

  private async incoming(name: string, file: string): Promise<Incoming> {
    const place = this.place(name);
    await this.left.remove(Buffer.from(path.dirname(place)));
    return await Incoming.copy(file, place);
  }

  async has(name: string): Promise<boolean> {
    const place = this.place(name);
    try {
      return (await lookAfresh(this.root, place, () => lstat(place))).isFile();
    } catch (error) {
      if (isMissing(error)) return false;
      throw readFault(place, error);
    }
  }

  async read(name: string): Promise<Readable> {
    const place = this.place(name);
    try {
      const handle = await lookAfresh(this.root, place, () => open(place));
      const found = await handle.stat();
      if (found.isFile()) return readAll(handle, place);
      await handle.close();
    } catch (error) {
      throw readFault(place, error);
    }
    throw new InterrogatorError('ERR_IO', `${place} cannot be read: it is not there, but a folder of its name.`);
  }

  async *list(prefix: string): AsyncGenerator<string> {
    try {
      yield* filesBelow(this.root, prefix);
    } catch (error) {
      throw readFault(this.location, error);
    }
  }

  async remove(prefix: string): Promise<void> {
    try {
      await removeBelow(this.root, checkRemoved(prefix));
      // Where nothing else is in it.
      await rmdir(this.root).catch(() => {});
    } catch (error) {
      throw outputFault(this.location, error);
    }
  }

  close(): void {
    // Nothing is kept open.
  }

  private place(name: string): string {
    return path.join(this.root, checkName(name));
  }
}

function readAll(handle: FileHandle, file: string): Readable {
  return chunkStream({
    async next() {
      const buffer = Buffer.allocUnsafe(CHUNK);
      const { bytesRead } = await handle.read(buffer, 0, CHUNK).catch((error) => {
        throw readFault(file, error);
      });
      return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  });
}
