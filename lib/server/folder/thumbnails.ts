/** Small JPEGs of a folder's pictures, made once for all who look at them. */
import { stat } from 'node:fs/promises';
import { thumbnail } from '../../index';

/** Bytes of all together. */
const MOST = 64 << 20;
const SIZE = 320;

export class ThumbnailCache {
  /** From the one that was looked at least lately. */
  private readonly made = new Map<string, Promise<Buffer>>();
  private bytes = 0;

  async get(file: Buffer): Promise<Buffer> {
    const { mtimeMs, size } = await stat(file);
    const key = `${file.toString('latin1')}:${mtimeMs}:${size}`;
    const known = this.made.get(key);
    if (known) {
      this.made.delete(key);
      this.made.set(key, known);
      return known;
    }
    // A path that is not UTF-8 has no text that names it.
    const making = thumbnail(file.toString(), { size: SIZE });
    this.made.set(key, making);
    making.then(
      (jpeg) => this.count(jpeg.length),
      () => this.made.delete(key),
    );
    return making;
  }

  private async count(length: number): Promise<void> {
    this.bytes += length;
    for (const [key, each] of this.made) {
      if (this.bytes <= MOST) return;
      this.made.delete(key);
      this.bytes -= (await each.catch(() => Buffer.alloc(0))).length;
    }
  }
}
