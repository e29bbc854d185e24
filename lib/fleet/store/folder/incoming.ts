/** A file on its way into a shared folder: whole and on the disk before it has its name. */
import { createHash } from 'node:crypto';
import { type FileHandle, link, lstat, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { acquireLock } from '../../../files/lock';
import { outputFault } from '../../../run/disk-fault';
import { HIDDEN } from '../names';
import { readFault } from '../read-fault';
import { openHidden } from './hidden-file';

const COPIED = 1 << 18;
/** What file systems without hard links say: FAT, some shares and FUSE. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export class Incoming {
  private constructor(
    private readonly place: string,
    private readonly temporary: string,
    private readonly identity: string,
  ) {}

  /** Copies a local file into the folder of its place, under a hidden name. The folder is made where it is not there. Rejects with ERR_IO. */
  static async copy(file: string, place: string): Promise<Incoming> {
    const source = await open(file).catch((error) => {
      throw readFault(file, error);
    });
    try {
      const { file: temporary, handle } = await openHidden(path.dirname(place));
      try {
        await copyInto(handle, source, file);
        await handle.sync();
        const identity = identityOf(await handle.stat({ bigint: true }));
        // A share may tell only now that its disk is full.
        await handle.close();
        return new Incoming(place, temporary, identity);
      } catch (error) {
        await handle.close().catch(() => {});
        await rm(temporary, { force: true }).catch(() => {});
        throw error;
      }
    } catch (error) {
      throw outputFault(place, error);
    } finally {
      await source.close();
    }
  }

  /** Replaces what is in the place. */
  async replace(): Promise<void> {
    await this.settle(async () => {
      await rename(this.temporary, this.place);
      return true;
    });
  }

  /** Takes the place where it is free; false where it is not. */
  async takeFree(): Promise<boolean> {
    return await this.settle(async () => {
      try {
        await link(this.temporary, this.place);
        return true;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (NO_LINKS.has(code)) return await this.moveIfFree();
        if (code !== 'EEXIST') throw error;
        if ((await lstat(this.place)).isDirectory()) throw Object.assign(new Error('It is a folder'), { code: 'EISDIR' });
        return false;
      }
    });
  }

  /** Leaves nothing behind but the file in its place. Rejects with ERR_IO. */
  private async settle(take: () => Promise<boolean>): Promise<boolean> {
    try {
      // A share whose answer was lost is asked again, and says then that the place is taken, or the hidden name gone: by this very file.
      const taken = await take().catch(async (error) => (await this.isInPlace()) || Promise.reject(error));
      const isOurs = taken || (await this.isInPlace());
      if (isOurs) await syncFolder(path.dirname(this.place));
      return isOurs;
    } catch (error) {
      throw outputFault(this.place, error);
    } finally {
      await rm(this.temporary, { force: true }).catch(() => {});
    }
  }

  private async isInPlace(): Promise<boolean> {
    const found = await lstat(this.place, { bigint: true }).catch(() => undefined);
    return found !== undefined && identityOf(found) === this.identity;
  }

  /**
   * Renaming replaces; so those who do it take turns. A turn of one that was stopped for longer than locks wait may come in the middle of
   * another's: two of the same name, one after the other, is the worst of it.
   */
  private async moveIfFree(): Promise<boolean> {
    const { dir, base } = path.parse(this.place);
    const name = createHash('sha256').update(base).digest('hex').slice(0, 16);
    const release = await acquireLock(path.join(dir, `${HIDDEN}${name}.lock`));
    try {
      // To make something of this name is what a share always asks its server for. A folder is no result, should this process be killed now.
      await rmdir(this.place).catch(() => {});
      await mkdir(this.place);
      await rmdir(this.place);
      await rename(this.temporary, this.place);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      return false;
    } finally {
      await release();
    }
  }
}

async function copyInto(target: FileHandle, source: FileHandle, file: string): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPIED);
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, COPIED).catch((error) => {
      throw readFault(file, error);
    });
    if (bytesRead === 0) return;
    for (let done = 0; done < bytesRead; ) done += (await target.write(buffer, done, bytesRead - done)).bytesWritten;
  }
}

function identityOf({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev}:${ino}`;
}

/** A new name is on the disk with its folder. Some file systems take no such order. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder).catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
