/** Texts within the pictures' own files, as XMP: metadata alone is written again, never pixels. */
import { type BigIntStats, constants } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { InterrogatorError } from '../../errors';
import { sha256OfFile } from '../content';
import { stampOf } from '../inputs/file-picture';
import { shownPath } from '../inputs/shown-path';
import type { Row } from '../row';
import { DescriptionTool } from './exiftool';
import { parentOf } from './parent-folder';
import { textOf } from './record';
import { LeftFiles, TEMPORARY_BASE, temporaryName } from './temporary';

/** What a picture's file is about to be. */
export interface Embedded {
  sha256: string;
  /** As Picture.stamp() gives it. */
  stamp: string;
  /** The stamp of the file whose place it takes. */
  replaced: string;
}

export class Embedding {
  private readonly left = new LeftFiles();
  /** Files that are worked on now: links may lead to the same one. */
  private readonly underway = new Map<string, Promise<void>>();

  private constructor(private readonly tool: DescriptionTool) {}

  /** Rejects with ERR_INVALID_ARGUMENT where the package that does it is not installed. */
  static async open(): Promise<Embedding> {
    return new Embedding(await DescriptionTool.open());
  }

  /**
   * Puts the row's text into `dc:description`. Does nothing where it is there. Before the file is changed, `remember` is given what it is to
   * be, so that it is known also where the process ends in between. Of a link the file that it leads to is changed. Rejects with ERR_IO, also
   * for formats that have no XMP, and with what `remember` rejects with.
   */
  async write(file: Buffer, row: Row, remember: (made: Embedded) => Promise<void>): Promise<void> {
    const text = textOf(row);
    if (text === undefined) return;
    try {
      const target = await realpath(file, { encoding: 'buffer' });
      const key = target.toString('latin1');
      while (this.underway.has(key)) await this.underway.get(key)?.catch(() => {});
      const work = this.describe(target, text, remember);
      this.underway.set(key, work);
      await work.finally(() => this.underway.delete(key));
    } catch (cause) {
      if (cause instanceof InterrogatorError) throw cause;
      const [why] = String((cause as Error).message).split('\n');
      throw new InterrogatorError('ERR_IO', `The text cannot be written into ${shownPath(file)}: ${why}.`, {
        hint: 'JPEG, PNG, WebP, GIF, TIFF and AVIF take XMP; BMP does not. The folder must take files.',
        cause,
      });
    }
  }

  async close(): Promise<void> {
    await this.tool.close();
  }

  /** Under another name first: whoever reads it sees the old file or the new one. */
  private async describe(target: Buffer, text: string, remember: (made: Embedded) => Promise<void>): Promise<void> {
    const before = await stat(target, { bigint: true });
    if ((await this.tool.read(target)) === text) return;
    const folder = parentOf(target);
    await this.left.remove(folder);
    const name = temporaryName(TEMPORARY_BASE);
    const temporary = Buffer.concat([folder, Buffer.from(`/${name}`)]);
    try {
      await this.tool.copy(target, folder, name, text);
      await remember(await settle(temporary, before));
      if (stampOf(await stat(target, { bigint: true })) !== stampOf(before)) throw new Error('it changes meanwhile');
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }
}

/** Gives a new file the rights of the old one, and puts it onto the disk. */
async function settle(file: Buffer, before: BigIntStats): Promise<Embedded> {
  const { mode, uid, gid } = before;
  const handle = await open(file, constants.O_RDWR);
  try {
    await handle.chown(Number(uid), Number(gid)).catch(() => {});
    await handle.chmod(Number(mode) & 0o7777);
    await handle.sync();
    const stamp = stampOf(await handle.stat({ bigint: true }));
    return { sha256: await sha256OfFile(file), stamp, replaced: stampOf(before) };
  } finally {
    await handle.close();
  }
}
