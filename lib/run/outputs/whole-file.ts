/** A file that is written piece by piece and comes into its place whole: under another name until it is finished. */
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { outputFault } from '../disk-fault';
import { removeLeft, temporaryName } from './temporary';

/** Pieces are gathered up to so many bytes. */
const GATHERED = 1 << 16;

export class WholeFile {
  private pieces: Buffer[] = [];
  private gathered = 0;

  private constructor(
    readonly file: string,
    private readonly temporary: string,
    private readonly handle: FileHandle,
  ) {}

  /** The folder is made where it is not there. Rejects with ERR_IO. */
  static async create(file: string): Promise<WholeFile> {
    const { dir, base } = path.parse(path.resolve(file));
    try {
      await mkdir(dir, { recursive: true });
      await removeLeft(dir, base);
      const temporary = path.join(dir, temporaryName(base));
      return new WholeFile(file, temporary, await open(temporary, 'wx'));
    } catch (error) {
      throw outputFault(file, error);
    }
  }

  async write(piece: string | Uint8Array): Promise<void> {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    this.pieces.push(bytes);
    this.gathered += bytes.length;
    if (this.gathered >= GATHERED) await this.flush();
  }

  /** In its place, and on the disk. */
  async finish(): Promise<void> {
    try {
      await this.flush();
      await this.handle.sync();
      const { mode } = (await stat(this.file).catch(() => undefined)) ?? {};
      if (mode !== undefined) await this.handle.chmod(mode).catch(() => {});
      await this.handle.close();
      await rename(this.temporary, this.file);
    } catch (error) {
      await this.abandon();
      throw outputFault(this.file, error);
    }
  }

  /** Leaves nothing behind; what was in the place stays. */
  async abandon(): Promise<void> {
    await this.handle.close().catch(() => {});
    await rm(this.temporary, { force: true }).catch(() => {});
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.concat(this.pieces);
    this.pieces = [];
    this.gathered = 0;
    try {
      for (let done = 0; done < bytes.length; ) done += (await this.handle.write(bytes, done)).bytesWritten;
    } catch (error) {
      throw outputFault(this.file, error);
    }
  }
}

/** Writes a whole file at once. Rejects with ERR_IO. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const whole = await WholeFile.create(file);
  try {
    await whole.write(content);
  } catch (error) {
    await whole.abandon();
    throw error;
  }
  await whole.finish();
}
